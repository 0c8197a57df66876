"""Builds an episode's timeline: what happened, which rule decided what upon it, who was told, who answered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.console.policy.status import RecordedMessage
from services.safeguarding.child_events.discussion_events import StrategyWithoutQuorum
from services.safeguarding.child_events.events import Due, Event, TextNeedsHuman
from services.safeguarding.duty.decisions import (
    DutyChanged,
    EpisodeChanged,
    EpisodeState,
    MessageDecided,
    ProtocolDecided,
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
from services.safeguarding.duty.evidence import DeliveryAttempted, RegisterLookedUp
from services.safeguarding.identifiers import telling
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.roles import Role, Wording

HAPPENINGS = (Event, EpisodeChanged, DutyAcknowledged, DutyFailed, StrategyDiscussionChanged)
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
        return isinstance(content, HAPPENINGS) and not isinstance(content, Due)


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
    if isinstance(content, TextNeedsHuman) and content.language is not None:
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
