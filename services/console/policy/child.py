"""Sums up one child's case for the duty desk: who has been told and has it, what was said, what police say.

Its timeline says what happened, which rule decided what upon it, who was told, who answered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.console.policy.status import DutyLine, RecordedMessage
from services.safeguarding.child_events import events
from services.safeguarding.child_events.discussion_events import StrategyWithoutQuorum
from services.safeguarding.duty.decisions import (
    OVER,
    DeliveryAttempted,
    DutyChanged,
    DutyState,
    EpisodeChanged,
    EpisodeState,
    MessageDecided,
    ProtocolDecided,
    RegisterLookedUp,
    StepRecord,
    Verdict,
)
from services.safeguarding.duty.duties import (
    Duty,
    DutyAcknowledged,
    DutyFailed,
    StrategyDiscussionChanged,
    part_ids,
    parts_of,
)
from services.safeguarding.identifiers import ForceId, PersonId, WordsId, telling
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.roles import Role, Wording

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
    grade: events.RiskGrade | None
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
        if isinstance(content, events.PoliceReferenceGiven | events.PoliceReferenceTexted):
            references += content.words
        if graded is None and isinstance(content, events.PoliceRiskGraded):
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


HAPPENINGS = (events.Event, EpisodeChanged, DutyAcknowledged, DutyFailed, StrategyDiscussionChanged)
OF_NOTE = frozenset({Verdict.TOLD, Verdict.ENDED, Verdict.UNVERIFIED, Verdict.TOO_OLD})


@dataclass(frozen=True, slots=True)
class Line:
    """`role` and `wording` are the duty's, where the entry is about one."""

    entry: RecordedMessage[Message]
    act: str
    """The message's kind without its version. A duty's withdrawal, and a text not in English, have their own."""
    role: Role | None
    wording: Wording | None
    decisions: tuple[tuple[ProtocolDecided, int], ...]
    """The protocol's notable decisions on it, and how often each occurs: a rule may decide for many people."""
    others: tuple[ProtocolDecided, ...]
    """Rules that were considered and changed nothing."""

    @property
    def at(self) -> datetime:
        return self.entry.at

    @property
    def is_of_note(self) -> bool:
        """What happened and who answered. The rest is how it came about: decisions, attempts, look-ups, page views."""
        content = self.entry.content
        if isinstance(content, OperatorActed):
            return content.act not in {OperatorAct.CHILD_REVEALED, OperatorAct.CHILD_VIEWED, OperatorAct.CHILD_FOUND}
        return isinstance(content, HAPPENINGS) and not isinstance(content, events.Due)


def timeline(
    episode: RecordedMessage[EpisodeChanged],
    duties: Iterable[RecordedMessage[DutyChanged]],
    entries: Sequence[RecordedMessage[Message]],
) -> list[Line]:
    """Newest first, as `entries` must be. Of a message that holds several facts, each is a line.

    Keeps what belongs to this episode: by its id, by a decision made for it, by one of its duties, or by an operator's
    act. What is about the child and belongs to no episode is left out.
    """
    known = {duty.content.duty: duty.content for duty in duties}
    tellings = {telling(duty.duty, step.step) for duty in known.values() for step in duty.steps}
    decided: dict[str, list[ProtocolDecided]] = {}
    for each in (part for entry in entries for part in parts_of(entry.content)):
        if isinstance(each, ProtocolDecided) and each.episode == episode.content.episode:
            decided.setdefault(each.about_id, []).append(each)
    entries = [fact for entry in entries for fact in _facts(entry)]
    belonging = {
        entry.id
        for entry in entries
        if entry.id in decided or _belongs(entry.content, episode.content.episode, known, tellings)
    }
    belonging |= _of_operators(entries, belonging)
    return _without_repeated_states(
        _line(shown, known, decided.get(shown.id, ()))
        for entry in entries
        if entry.id in belonging
        for shown in _with_look_up(entry)
    )


def _facts(entry: RecordedMessage[Message]) -> Iterator[RecordedMessage[Message]]:
    """What the message holds, the last first. Verdicts are shown with what they are about."""
    if isinstance(entry.content, ProtocolDecided | MessageDecided):
        return
    parts = parts_of(entry.content), part_ids(entry.content, entry.id)
    for content, name in reversed(tuple(zip(*parts, strict=True))):
        yield replace(entry, id=name, content=content)


def _with_look_up(entry: RecordedMessage[Message]) -> Iterator[RecordedMessage[Message]]:
    """An attempt says what was read of the register to prepare it, which came before."""
    yield entry
    attempt = entry.content
    if isinstance(attempt, DeliveryAttempted) and attempt.looked_up:
        about = attempt.model_dump(include={"authority", "person", "delivery"})
        read = RegisterLookedUp(purpose=attempt.purpose or attempt.medium, fields=attempt.looked_up, **about)
        yield replace(entry, id=f"{entry.id} looked-up", content=read)


def _of_operators(entries: Iterable[RecordedMessage[Message]], belonging: set[str]) -> set[str]:
    """The messages of an act that belongs to the episode, and the acts of messages that do."""
    found: set[str] = set()
    for entry in entries:
        if isinstance(entry.content, OperatorActed):
            said = set(entry.content.said)
            if entry.id in belonging or said & belonging:
                found |= {entry.id} | said
    return found


def _without_repeated_states(newest_first: Iterable[Line]) -> list[Line]:
    """An episode publishes its state whenever anything about it changes. The timeline shows new states alone."""
    state: EpisodeState | None = None
    shown: list[Line] = []
    for line in reversed(list(newest_first)):
        content = line.entry.content
        if isinstance(content, EpisodeChanged):
            if content.state is state:
                continue
            state = content.state
        shown.append(line)
    return shown[::-1]


def _belongs(content: Message, episode: UUID, duties: Mapping[UUID, DutyChanged], tellings: set[UUID]) -> bool:
    if getattr(content, "episode", None) == episode or _duty_named(content) in duties:
        return True
    return isinstance(content, RegisterLookedUp) and content.delivery in tellings


def _line(
    entry: RecordedMessage[Message], duties: Mapping[UUID, DutyChanged], decided: Iterable[ProtocolDecided]
) -> Line:
    role, wording = _who_and_what(entry.content, duties)
    of_note: dict[tuple[str | None, Verdict], list[ProtocolDecided]] = {}
    for each in decided:
        if each.verdict in OF_NOTE:
            of_note.setdefault((each.rule, each.verdict), []).append(each)
    counted = tuple((same[0], len(same)) for same in of_note.values())
    others = tuple(each for each in decided if each.verdict not in OF_NOTE and each.rule is not None)
    return Line(entry, _act(entry.content), role, wording, counted, others)


def _act(content: Message) -> str:
    act = content.kind.rsplit(".v", maxsplit=1)[0]
    if isinstance(content, events.TextNeedsHuman) and content.language is not None:
        return f"{act} not-in-english"
    if isinstance(content, DutyAcknowledged) and content.unread:
        return f"{act} unread"
    if isinstance(content, StrategyWithoutQuorum) and content.doubled:
        return f"{act} doubled"
    return f"{act} withdrawn" if isinstance(content, Duty) and content.act == "withdraw" else act


def _who_and_what(content: Message, duties: Mapping[UUID, DutyChanged]) -> tuple[Role | None, Wording | None]:
    if isinstance(content, Duty):
        return content.role, content.wording
    named = _duty_named(content)
    duty = duties.get(named) if named is not None else None
    if duty is None:
        return None, None
    number = getattr(content, "step", None)
    return next((step.role for step in duty.steps if step.step == number), None), duty.wording


def _duty_named(content: Message) -> UUID | None:
    """The duty that an outcome, an attempt or a deadline is about."""
    return getattr(content, "duty", None)
