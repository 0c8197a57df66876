"""Counts what each reader of a story is sent, and what of it was needless. Holds the shipped rules to a budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import yaml

from services.protocol.checks.spelling import Finding
from services.protocol.loader import Library, files
from services.protocol.simulate import Story, Timeline, Told, story_of, tell
from services.safeguarding.duty.duties import Because, Duty, DutyAcknowledged
from services.safeguarding.roles import CARERS, ON_DUTY, Channel, Role, Wording
from services.safeguarding.working_time import in_night

BUDGET = Path(__file__).parent / "message_budget.yaml"
SAID_LATELY = timedelta(hours=1)
SEVERAL = frozenset({*CARERS, Role.DIRECTORY_CONTACT})
"""Roles that several people hold at once, each a reader."""
Matter: TypeAlias = tuple[UUID | None, Wording]
KINDS = {Channel.WEBHOOK: "notices", Channel.TEXT: "texts", Channel.EMAIL: "mails", Channel.INVITATION: "invitations"}
ESCALATES = frozenset({Because.NOT_ACCEPTED, Because.NOT_ACKNOWLEDGED, Because.FAILED, Because.NOBODY_IN_ROLE})


@dataclass
class MessageCount:
    """What one reader of a story was sent, in order."""

    role: Role
    sent: list[Told] = field(default_factory=list)
    needless: list[Told] = field(default_factory=list)
    """Messages that repeat one of the last hour, or say that nobody has answered though somebody on duty has."""

    def __str__(self) -> str:
        counts = [(sum(each.duty.channel == channel for each in self.sent), kind) for channel, kind in KINDS.items()]
        said = ", ".join(f"{count} {kind if count > 1 else kind[:-1]}" for count, kind in counts if count)
        needless = ", ".join(str(each) for each in self.needless)
        return f"  {self.role}: {said}" + (f"; {len(self.needless)} needless ({needless})" if needless else "")


def count_messages(timeline: Timeline) -> list[MessageCount]:
    """For each reader, in the order in which they first hear. A withdrawal is no message."""
    found: dict[tuple[Role, str | None], MessageCount] = {}
    firsts = {each.duty.duty: each.duty for each in reversed(timeline.told)}
    answered = _answers_of_duty_staff(timeline, firsts)
    for each in timeline.told:
        role, person = each.duty.role, each.duty.person
        if each.duty.act == "tell":
            reader = found.setdefault((role, person if role in SEVERAL else None), MessageCount(role))
            if _is_repeated(each, reader.sent) or _is_answered(each, firsts, answered):
                reader.needless.append(each)
            reader.sent.append(each)
    return list(found.values())


def _answers_of_duty_staff(timeline: Timeline, firsts: dict[UUID, Duty]) -> dict[Matter, timedelta]:
    """When somebody on duty first said of a matter that they have it."""
    roles = {(each.duty.duty, each.duty.step): each.duty.role for each in timeline.told}
    found: dict[Matter, timedelta] = {}
    for each in timeline.heard:
        answer = each.content
        if isinstance(answer, DutyAcknowledged) and roles[answer.duty, answer.step] in ON_DUTY:
            found.setdefault(_matter(firsts[answer.duty]), each.after)
    return found


def _matter(duty: Duty) -> Matter:
    return duty.episode, duty.wording


def _is_repeated(told: Told, before: list[Told]) -> bool:
    same = (each for each in before if each.duty.wording == told.duty.wording)
    return any(told.after - each.after < SAID_LATELY for each in same)


def _is_answered(told: Told, firsts: dict[UUID, Duty], answered: dict[Matter, timedelta]) -> bool:
    """An invitation is each reader's own: nobody on duty answers it for them."""
    first = firsts[told.duty.duty]
    if told.duty.because not in ESCALATES or first.channel is Channel.INVITATION:
        return False
    return answered.get(_matter(first), told.after) < told.after


def budgeted_stories() -> list[Story]:
    return [story_of(each) for each in yaml.load(BUDGET.read_text(), yaml.CSafeLoader)]


def over_budget(story: Story, counts: Sequence[MessageCount]) -> Iterator[tuple[str, int, int]]:
    """Who gets more than the story grants them: `duty.worker text`, how many, and the most."""
    for reader, most in story.most.items():
        role, _, which = reader.partition(" ")
        sent = [each for count in counts if role in {count.role, "all"} for each in count.sent]
        got = sum(which in {"", each.duty.channel, _part_of_day(story, each)} for each in sent)
        if got > most:
            yield reader, got, most


def _part_of_day(story: Story, told: Told) -> str:
    return "night" if in_night(story.begins + told.after) else "day"


def faults() -> list[Finding]:
    """Readers who get more than the budget from the shipped rules."""
    library = Library(files())
    return [
        Finding(
            BUDGET, None, None, f"{reader} gets {got} messages in {story.story!r}", f"rules that send {most} at most"
        )
        for story in budgeted_stories()
        for reader, got, most in over_budget(story, count_messages(tell(story, library)))
    ]
