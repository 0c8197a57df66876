"""Reads stories, and runs them on the real engine with a moved clock. Sends nothing.

A story is a child, an outside world that answers or not, and who is told what by when.
"""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.protocol.loader import Library, fault_of_yaml, files
from services.protocol.policy.case import Case, DutyOfCase, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.rule_language.grammar import Length, Protocol
from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import ProtocolDecided
from services.safeguarding.duty.duties import Duty, DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.identifiers import NAMESPACE, derived
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from services.safeguarding.working_time import day_in_england, in_working_hours

OUTCOMES: dict[str, type[DutyAccepted | DutyDelivered | DutyAcknowledged | DutyFailed]] = {
    "accepted": DutyAccepted,
    "delivered": DutyDelivered,
    "acknowledged": DutyAcknowledged,
    "failed": DutyFailed,
}
AUTHORITY = "northshire"


def name_in_story(what: str, name: str) -> str:
    """`carer-ann` is the same person in every story."""
    return f"{what}-{uuid5(NAMESPACE, f'story {name}')}"


class Answers(BaseModel):
    """How a role's holder behaves. None: never. Short forms: `silent` accepts and says no more, `nobody` fails."""

    model_config = ConfigDict(extra="forbid")

    accepts: Length | None = timedelta(seconds=2)
    acknowledges: Length | None = None
    fails: Length | None = None
    reason: str = "retries-spent"
    hours: Literal["any", "working"] = "any"
    """`working`: nobody holds the role at other hours."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, written: Any) -> Any:
        short = {
            "silent": {},
            "unreachable": {"accepts": None},
            "nobody": {"accepts": None, "fails": "1s", "reason": "nobody-in-role"},
        }
        return short[written] if isinstance(written, str) else written


OFF_DUTY = Answers.model_validate("nobody")


class Happening(BaseModel):
    """An event, or an outcome that the answers do not bring about."""

    model_config = ConfigDict(extra="allow")

    at: Length
    """When it reaches us, counted from the story's beginning."""
    time: Length | None = None
    """When it came about, if earlier."""
    event: str | None = None
    by: str | None = None
    """A carer who texts."""
    becomes: Literal["accepted", "delivered", "acknowledged", "failed"] | None = None
    of: str | None = None
    """The rule whose latest duty becomes so, or whose form recorded the event."""
    step: int | str = 0
    """Of an outcome, the telling's number; of `care-step.recorded`, what was done."""
    record: dict[str, Any] = {}
    """Facts that the register holds from then on, beside the earlier ones."""
    id: str | None = None
    exercise: bool = False

    def content(self) -> Message:
        """The event. Raises ValueError for a kind that does not exist."""
        contract = contract_of(f"{self.event}.v1")
        if contract is None:
            raise ValueError(f"{self.event} is no event")
        fields: dict[str, Any] = dict(self.model_extra or {})
        if "step" in contract.model_fields:
            fields["step"] = self.step
        if "authority" in contract.model_fields:
            fields["authority"] = AUTHORITY
        if self.by is not None:
            fields |= {"said_by": name_in_story("person", self.by), "channel": "text"}
        return contract.model_validate(fields)


def _moment(written: Any) -> Any:
    return written if isinstance(written, datetime) else datetime.fromisoformat(str(written))


class Story(BaseModel):
    """One file of `tests/scenarios/`."""

    model_config = ConfigDict(extra="forbid")

    story: str
    begins: Annotated[datetime, BeforeValidator(_moment)]
    child: Facts
    provisional: bool = False
    answers: dict[Role, Answers] = {}
    happens: list[Happening] = Field(min_length=1)
    until: Length = timedelta(hours=4)
    told: list[str] = []
    """`5m duty.worker text missing-notice`: exactly these, and nobody else. A `-` before the role: withdrawn."""
    most: dict[str, int] = {}
    """What its readers may get at most: `duty.worker: 7` in all, `duty.worker text: 6` by one channel, `duty.worker
    night: 2` from ten to seven, `all: 20` of everybody.
    """
    ends: dict[str, str] = {}
    """The states of the episode, and of the duty of a rule, at the end."""

    @property
    def subject(self) -> str:
        return name_in_story("provisional" if self.provisional else "child", self.story)


def read_story(path: Path) -> Story:
    """Raises ValueError (pydantic's among them) that names the story's fault, and file and line of what is no YAML."""
    try:
        written = yaml.load(path.read_text(), yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(fault_of_yaml(path, error)) from error
    if not isinstance(written, dict):
        raise ValueError(f"{path.name}:1: a story has `story`, `begins`, `child`, `happens` and `told`")  # noqa: TRY004 as others
    return story_of(written)


def story_of(written: dict[str, Any]) -> Story:
    """A story as a file writes it, its child one of this story world's authority unless it says otherwise."""
    child = written.get("child") or {}
    if isinstance(child, dict):
        child = {"authority": AUTHORITY, "force": "north-force", **child}
    return Story.model_validate({**written, "child": child})


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
    return tell(read_story(path), Library(files(authorities)))


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
        if each.event is not None and each.of is not None:
            content = content.model_copy(update={"duty": self._latest_of(each.of).duty})
        time = now if each.time is None else self._story.begins + each.time
        return Happened(content, each.id or f"event-{order}", self._story.subject, time, each.exercise)

    def _outcome_of(self, each: Happening) -> Message:
        duty = self._latest_of(each.of or "")
        return OUTCOMES[each.becomes or ""].model_validate(
            {"duty": duty.duty, "step": each.step, "authority": AUTHORITY, **(each.model_extra or {})}
        )

    def _latest_of(self, rule: str) -> DutyOfCase:
        return next(duty for duty in reversed(self._timeline.case.duties.values()) if duty.rule == rule)

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
        if answers.hours == "working" and not in_working_hours(now):
            answers = OFF_DUTY
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
