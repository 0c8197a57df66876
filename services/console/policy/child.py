"""Sums up one child's case for the duty desk: who has been told and has it, what was said, what police say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.console.policy.status import DutyLine, RecordedMessage
from services.safeguarding.child_events.events import (
    PoliceReferenceGiven,
    PoliceReferenceTexted,
    PoliceRiskGraded,
    RiskGrade,
)
from services.safeguarding.duty.decisions import OVER, DutyState, EpisodeChanged, StepRecord
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ForceId, PersonId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorActed
from services.safeguarding.roles import Role

IDENTITY = (
    "child.name",
    "child.known_as",
    "child.sex",
    "child.language",
    "child.description",
    "child.profile",
    "child.date_of_birth",
    "child.photograph",
    "placement.address",
    "placement.carers",
)
"""What the page of a child shows of the register for a shift, once somebody has said why."""
LED_TO_IT = timedelta(days=1)


class Standing(IntEnum):
    """How somebody who was told stands, the most pressing first."""

    OVERDUE = 0
    WAITS = 1
    FAILED = 2
    TOLD = 3
    HAS_IT = 4


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who was told, with each telling and its duty, the newest first."""

    role: Role
    person: PersonId | None
    standing: Standing
    tellings: tuple[tuple[DutyLine, StepRecord], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """Words about the child, as the register keeps them."""

    entry: RecordedMessage[Message]
    words: tuple[WordsId, ...]

    @property
    def person(self) -> PersonId | None:
        """Who said them. None: an agency, police, an account, or nobody whom we know."""
        return getattr(self.entry.content, "said_by", None)

    @property
    def force(self) -> ForceId | None:
        """The police force that said them."""
        return getattr(self.entry.content, "force", None)


@dataclass(frozen=True, slots=True)
class PoliceView:
    """What police have said of the case. None: not yet."""

    references: tuple[WordsId, ...]
    """The words that hold them, the newest first."""
    grade: RiskGrade | None
    review_at: datetime | None


def recipients(duties: Iterable[DutyLine]) -> list[Recipient]:
    """Everybody who was told, those who still have to answer first."""
    tellings: dict[tuple[Role, PersonId | None], list[tuple[DutyLine, StepRecord]]] = {}
    for duty in duties:
        for step in duty.duty.content.steps:
            tellings.setdefault((step.role, step.person), []).append((duty, step))
    found = [
        Recipient(
            role, person, min(map(_standing, told)), tuple(sorted(told, key=lambda each: each[1].told_at, reverse=True))
        )
        for (role, person), told in tellings.items()
    ]
    return sorted(found, key=lambda each: (each.standing, -each.tellings[0][1].told_at.timestamp()))


def choose_episode(
    episodes: Sequence[RecordedMessage[EpisodeChanged]], named: UUID | None
) -> RecordedMessage[EpisodeChanged] | None:
    """The one that is named, else the newest that is open, else the newest. `episodes` are the newest first."""
    if named is not None:
        return next((each for each in episodes if each.content.episode == named), None)
    still_open = (each for each in episodes if each.content.state not in OVER)
    return next(still_open, episodes[0] if episodes else None)


def words_said(
    entries: Iterable[RecordedMessage[Message]],
    episodes: Sequence[RecordedMessage[EpisodeChanged]],
    shown: RecordedMessage[EpisodeChanged] | None,
) -> list[Said]:
    """From the day before the episode opened until the next one did; without an episode, all. Ordered as `entries`, the
    newest first. Words that several entries name stand once, with the first of them. A duty passes words on, and says
    nothing. The reasons that operators gave stand with their acts, on the timeline.
    """
    begins, ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if shown is not None:
        opened_at = shown.content.opened_at
        begins = opened_at - LED_TO_IT
        ends = min((each.content.opened_at for each in episodes if each.content.opened_at > opened_at), default=ends)
    heard = [
        each for each in entries if begins <= each.at < ends and not isinstance(each.content, Duty | OperatorActed)
    ]
    said, seen = list[Said](), set[WordsId]()
    for entry in reversed(heard):
        words = tuple(each for each in getattr(entry.content, "words", ()) if each not in seen)
        seen.update(words)
        if words:
            said.append(Said(entry, words))
    return said[::-1]


def leave_out_repeats(texts: Iterable[str]) -> list[str]:
    """Without those that one before them holds: a text is kept whole, and again in parts that answer a question."""
    found = list[str]()
    for text in texts:
        if not any(text in each for each in found):
            found.append(text)
    return found


def police_view(entries: Iterable[RecordedMessage[Message]]) -> PoliceView:
    """`entries` are one episode's, the newest first."""
    references, graded = list[WordsId](), None
    for content in (entry.content for entry in entries):
        if isinstance(content, PoliceReferenceGiven | PoliceReferenceTexted):
            references += content.words
        if graded is None and isinstance(content, PoliceRiskGraded):
            graded = content
    return PoliceView(tuple(references), graded.grade if graded else None, graded.review_at if graded else None)


def _standing(telling: tuple[DutyLine, StepRecord]) -> Standing:
    duty, step = telling
    if step.state == "acknowledged":
        return Standing.HAS_IT
    if step.state == "failed":
        return Standing.FAILED
    if not duty.waits:
        return Standing.TOLD
    in_time = step == duty.last_step and duty.duty.content.state is not DutyState.OVERDUE
    return Standing.WAITS if in_time else Standing.OVERDUE
