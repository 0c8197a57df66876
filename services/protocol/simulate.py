"""Runs a story on the real engine with a moved clock. Sends nothing."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.stories import AUTHORITY, OUTCOMES, Answers, Happening, Story, read
from services.safeguarding.duty.decisions import ProtocolDecided
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.safeguarding.message import Message
from services.safeguarding.working_time import day_in_england


@dataclass(frozen=True)
class Told:
    """One telling or withdrawal, and how long after the story's beginning it comes."""

    after: timedelta
    duty: Duty
    exercise: bool

    def __str__(self) -> str:
        sign = "-" if self.duty.act == "withdraw" else ""
        return f"{_short(self.after)} {sign}{self.duty.role} {self.duty.channel} {self.duty.wording}"


@dataclass(frozen=True)
class Heard:
    """One message that was decided upon: an event, an answer or a deadline."""

    after: timedelta
    content: Message
    exercise: bool


@dataclass
class Timeline:
    """Everything that was decided, in order, and the case at the end."""

    story: Story
    case: Case
    told: list[Told] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    decided: list[tuple[timedelta, ProtocolDecided]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [self.story.story, *(f"  {each}  (rule {each.duty.rule}, {each.duty.because})" for each in self.told)]
        return "\n".join([*lines, *(f"  {name}: {state}" for name, state in self.ends().items())])

    def ends(self) -> dict[str, str]:
        """The states of the latest episode and of each rule's latest duty."""
        duties = {each.rule: str(each.state) for each in self.case.duties.values()}
        latest = max(self.case.episodes.values(), key=lambda each: each.opened_at, default=None)
        return duties if latest is None else {"episode": str(latest.state), **duties}


def simulate(path: Path, authorities: Path | None = None) -> Timeline:
    """Raises ValueError where the story cannot be read."""
    return tell(read(path), Library(files(authorities)))


def tell(story: Story, library: Library) -> Timeline:
    return _World(story, library).run()


class _World:
    """The child, the protocol, and people and systems that answer as the story says."""

    def __init__(self, story: Story, library: Library) -> None:
        self._story = story
        self._child = story.child
        self._library = library
        self._kept: dict[str, Protocol] = {}
        self._queue: list[tuple[datetime, int, Happening | Message]] = []
        self._count = 0
        self._versions: dict[UUID, int | None] = {}
        self._withdrawn: set[tuple[UUID, int]] = set()
        self._timeline = Timeline(story, Case(child=story.subject))

    def run(self) -> Timeline:
        for each in self._story.happens:
            self._later(self._story.begins + each.at, each)
        end = self._story.begins + self._story.until
        while self._queue and self._queue[0][0] <= end:
            now, order, next_up = heapq.heappop(self._queue)
            happened = (
                self._scripted(next_up, now, order)
                if isinstance(next_up, Happening)
                else self._answered(next_up, now, order)
            )
            if happened is not None:
                self._decide(happened, now)
        return self._timeline

    def _later(self, at: datetime, what: Happening | Message) -> None:
        self._count += 1  # of two at one time, the one queued first comes first
        heapq.heappush(self._queue, (at, self._count, what))

    def _scripted(self, each: Happening, now: datetime, order: int) -> Happened:
        self._child = self._child.model_copy(update=each.record)
        content = each.content() if each.event is not None else self._outcome_of(each)
        time = now if each.time is None else self._story.begins + each.time
        return Happened(content, each.id or f"event-{order}", self._story.subject, time, each.exercise)

    def _outcome_of(self, each: Happening) -> Message:
        duty = next(duty for duty in reversed(self._timeline.case.duties.values()) if duty.rule == each.of)
        return OUTCOMES[each.becomes or ""].model_validate(
            {"duty": duty.duty, "step": each.step, "authority": AUTHORITY, **(each.model_extra or {})}
        )

    def _protocols(self, now: datetime) -> Protocols:
        """The one in force on that day, and those that were in force earlier in the story."""
        current = self._library.current(self._story.child.authority, day_in_england(now))
        self._kept[current.hash] = current
        return Protocols(current, self._kept)

    def _answered(self, content: Any, now: datetime, order: int) -> Happened | None:
        deadline = getattr(content, "deadline", None)
        if deadline is not None and self._versions.get(deadline) != content.version:
            return None
        if deadline is None and (content.duty, content.step) in self._withdrawn:
            return None
        return Happened(content, f"answer-{order}", self._story.subject, now, self._is_exercise(content))

    def _is_exercise(self, content: Any) -> bool:
        duty = self._timeline.case.duties.get(getattr(content, "duty", None) or content.deadline)
        waiting = self._timeline.case.waiting.get(getattr(content, "deadline", None) or content.duty)
        return any(each.cause.exercise for each in (duty, waiting) if each is not None)

    def _decide(self, happened: Happened, now: datetime) -> None:
        decision = decide(self._timeline.case, happened, self._child, self._protocols(now), now)
        self._timeline.case = decision.case
        after = now - self._story.begins
        self._timeline.heard.append(Heard(after, happened.content, happened.exercise))
        self._timeline.decided.extend((after, each) for each in decision.decided)
        for duty in decision.duties:
            self._timeline.told.append(Told(after, duty, duty.duty in decision.exercises))
            self._answer(duty, now)
        self._schedule(decision, now)

    def _schedule(self, decision: Decision, now: datetime) -> None:
        self._versions.update(dict.fromkeys(decision.cancelled))
        for deadline in decision.deadlines:
            self._versions[deadline.deadline] = deadline.version
            self._later(max(deadline.due_at, now), deadline.content)

    def _answer(self, duty: Duty, now: datetime) -> None:
        if duty.act == "withdraw":
            self._withdrawn.add((duty.duty, duty.step))
            return
        answers = self._story.answers.get(duty.role, Answers())
        about = {"duty": duty.duty, "step": duty.step, "authority": duty.authority, "episode": duty.episode}
        person = f"person-{derived('holder', duty.role)}"
        if answers.accepts is not None:
            self._later(
                now + answers.accepts, OUTCOMES["accepted"].model_validate({**about, "person": duty.person or person})
            )
        if answers.acknowledges is not None:
            self._later(now + answers.acknowledges, OUTCOMES["acknowledged"].model_validate({**about, "how": "text"}))
        if answers.fails is not None:
            self._later(now + answers.fails, OUTCOMES["failed"].model_validate({**about, "reason": answers.reason}))


def _short(span: timedelta) -> str:
    """`0m`, `5m`, `1h30m`, `15m1s`."""
    rest = int(span.total_seconds())
    written = ""
    for size, unit in ((3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        written += f"{count}{unit}" if count else ""
    return written or "0m"
