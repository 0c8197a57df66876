"""Sums up open episodes and duties: who has been told, who has answered, and what comes next, when.

At the top of a case stands whether police have it. Messages are described as the console keeps them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar
from uuid import UUID

from services.safeguarding.child_events.events import PoliceReferenceTexted, RuleDue
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveryAttempted,
    DutyChanged,
    DutyState,
    EpisodeChanged,
    EpisodeState,
    StepRecord,
)
from services.safeguarding.duty.duties import DutyAcknowledged, DutyFailed
from services.safeguarding.identifiers import PersonId, WordsId, code_of, is_provisional
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId, OperatorActed
from services.safeguarding.roles import Role, Wording

M_co = TypeVar("M_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class RecordedMessage(Generic[M_co]):
    """`at` is story time: when it happened, which may be long before it was heard."""

    id: str
    child: str
    at: datetime
    exercise: bool
    content: M_co


class Fault(StrEnum):
    MESSAGE = "message"
    """The message breaks its contract: its sender has to correct it."""
    OURS = "ours"
    """A service of ours failed, at the place that the reason names."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a service gave up on, without the message itself, which may hold anything."""

    id: str
    service: str
    origin: str
    reason: str
    original_kind: str | None
    at: datetime
    redriven_at: datetime | None = None
    redriven_by: str | None = None
    """The account."""
    exercise: bool = False

    @property
    def fault(self) -> Fault:
        """`services.platform.bus` names a field if the message is at fault, or an error's class and place if we are."""
        named_field = self.reason.split(":", maxsplit=1)[0]
        is_field = ":" in self.reason and " at " not in named_field
        return Fault.MESSAGE if is_field or self.reason.startswith("the message ") else Fault.OURS


MISSING_NOTICE = Wording("missing-notice")
SOUGHT = frozenset({EpisodeState.MISSING, EpisodeState.LOCATED})
TAKEN = frozenset({"accepted", "delivered"})
BEING_SENT_FOR = timedelta(minutes=1)
"""The rules' own limit: what police have not taken by then, they do not have."""
NO_ANSWER = frozenset({AttemptResult.RETRY, AttemptResult.UNKNOWN})


class Stand(StrEnum):
    """The gravest first."""

    NOT_TOLD = "not-told"
    SENDING = "sending"
    PASSED_ON = "passed-on"
    """Police gave somebody a reference, as that person says. They have not taken our notice."""
    SENT = "sent"
    CLAIMED = "claimed"
    """Somebody who holds the mail's link says that they have it. The notice itself was never opened."""
    HAVE = "have"


@dataclass(frozen=True, slots=True)
class PoliceLine:
    """What stands at the top of a case. Whatever is not known is None."""

    stand: Stand
    at: datetime | None = None
    cause: str | None = None
    """Why they do not have it, by its name in the console's words."""
    status: int | None = None
    """What their system or the mail relay answered."""
    how: str | None = None
    words: tuple[WordsId, ...] = ()
    """In which the officer is named, or the reference that somebody passed on."""
    said_by: PersonId | AccountId | None = None
    duty: UUID | None = None
    """Where a call to police can be recorded."""


def stand_of(episode: EpisodeChanged, duties: Iterable[DutyChanged], now: datetime, *, passed_on: bool) -> Stand | None:
    """None once the child is no longer sought. Nobody's "I will ring them" counts: only what police took or said.

    `passed_on`: a carer or a colleague gave a reference of police.
    """
    if episode.state not in SOUGHT:
        return None
    asked = list(notices_of(episode, duties))
    steps = [step for duty in asked for step in steps_of_police(duty)]
    states = {each.state for each in steps}
    if "acknowledged" in states or any(duty.state in {DutyState.ACKNOWLEDGED, DutyState.DONE} for duty in asked):
        return Stand.HAVE
    if states & TAKEN:
        return Stand.SENT
    if passed_on:
        return Stand.PASSED_ON
    begun = min((each.told_at for each in steps), default=episode.opened_at)
    return Stand.SENDING if states <= {"told"} and now - begun < BEING_SENT_FOR else Stand.NOT_TOLD


def police_line(
    episode: EpisodeChanged, duties: Iterable[DutyChanged], entries: Sequence[RecordedMessage[Message]], now: datetime
) -> PoliceLine | None:
    """The same, with its cause or its speaker. `entries` are the episode's single facts, the newest first."""
    asked = list(notices_of(episode, duties))
    passed_on = [(each.at, each.content) for each in entries if isinstance(each.content, PoliceReferenceTexted)]
    stand = stand_of(episode, asked, now, passed_on=bool(passed_on))
    steps = sorted((step for duty in asked for step in steps_of_police(duty)), key=lambda each: each.told_at)
    open_duty = next((each.duty for each in asked if each.goes_on), None)
    match stand:
        case None:
            return None
        case Stand.HAVE:
            return _answer(asked, entries)
        case Stand.SENT:
            taken = [each.changed_at for each in steps if each.state in TAKEN]
            return PoliceLine(stand, min(taken), duty=open_duty)
        case Stand.PASSED_ON:
            given_at, given = passed_on[0]
            return PoliceLine(stand, given_at, words=given.words, said_by=given.said_by, duty=open_duty)
        case Stand.SENDING:
            return PoliceLine(stand, steps[0].told_at if steps else episode.opened_at, duty=open_duty)
        case _:
            at, cause, status = _cause(episode, asked, steps, entries)
            return PoliceLine(Stand.NOT_TOLD, at, cause, status, duty=open_duty)


def notices_of(episode: EpisodeChanged, duties: Iterable[DutyChanged]) -> Iterable[DutyChanged]:
    """The duties that tell the case's own force that the child is missing: a force before may know nothing new."""
    for duty in duties:
        is_ours = duty.force is None or episode.force is None or duty.force == episode.force
        if duty.wording == MISSING_NOTICE and is_ours and duty.state is not DutyState.CANCELLED and _tells_police(duty):
            yield duty


def steps_of_police(duty: DutyChanged) -> list[StepRecord]:
    return [each for each in duty.steps if each.role is Role.POLICE_CONTROL_ROOM]


def _tells_police(duty: DutyChanged) -> bool:
    return bool(duty.steps) and duty.steps[0].role is Role.POLICE_CONTROL_ROOM


def _answer(asked: Sequence[DutyChanged], entries: Sequence[RecordedMessage[Message]]) -> PoliceLine:
    """The strongest that was said, with the notice open before a bare link; of these the first."""
    of_police = {(duty.duty, step.step) for duty in asked for step in steps_of_police(duty)}
    named = {duty for duty, _ in of_police}
    said = [
        (content.unread, each.at, content, each.id)
        for each in entries
        if isinstance(content := each.content, DutyAcknowledged)
        and ((content.duty, content.step) in of_police or (content.how == "phoned" and content.duty in named))
    ]
    if not said:
        answered = (step.changed_at for duty in asked for step in steps_of_police(duty) if step.state == "acknowledged")
        return PoliceLine(Stand.HAVE, min(answered, default=None))
    unread, at, found, message = min(said, key=lambda each: each[:2])
    acts = (each.content for each in entries)
    account = next((act.account for act in acts if isinstance(act, OperatorActed) and message in act.said), None)
    stand = Stand.CLAIMED if unread else Stand.HAVE
    return PoliceLine(stand, at, how=found.how, words=found.words, said_by=found.by or account)


def _cause(
    episode: EpisodeChanged,
    asked: Sequence[DutyChanged],
    steps: Sequence[StepRecord],
    entries: Sequence[RecordedMessage[Message]],
) -> tuple[datetime | None, str, int | None]:
    """When and why they do not have it, and the status that came back: the newest that is known of it."""
    if not steps or episode.force is None:
        return None, "no-force" if episode.force is None else "not-asked", None
    named = {(duty.duty, step.step) for duty in asked for step in steps_of_police(duty)}
    parts = ((each.at, each.content) for each in entries if isinstance(each.content, DutyFailed | DeliveryAttempted))
    ours = [(at, part) for at, part in parts if (part.duty, part.step) in named]
    status = next((part.status for _, part in ours if isinstance(part, DeliveryAttempted) and part.status), None)
    for at, part in ours:
        if isinstance(part, DutyFailed):
            return at, part.reason, status
        if part.result in NO_ANSWER:
            return at, "no-answer", status
    failed = [each.changed_at for each in steps if each.state == "failed"]
    return (max(failed), "failed", None) if failed else (steps[0].told_at, "not-taken", None)


GONE = frozenset({EpisodeState.MISSING, EpisodeState.LOCATED})
MOST_ASKED = 3
HOUSEKEEPING = frozenset(
    {
        Wording("photo-due"),
        Wording("contacts-unchecked"),
        Wording("contact-check"),
        Wording("contact-confirm"),
        Wording("contact-stale"),
        Wording("contact-unreachable"),
        Wording("carers-unaware"),
    }
)
"""What may wait until nobody is missing. It has a page of its own."""


@dataclass(frozen=True, slots=True)
class UpcomingStep:
    """A step or a later duty that comes at this time, unless something happens first."""

    at: datetime
    role: Role | None = None
    wording: Wording | None = None


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty in its present state. `code` is its child's, where the page shows duties of several children."""

    duty: RecordedMessage[DutyChanged]
    code: str | None = None

    @property
    def waits(self) -> bool:
        """Somebody still has to answer."""
        return self.duty.content.goes_on

    @property
    def last_step(self) -> StepRecord | None:
        """The telling that has to be answered now."""
        return self.duty.content.steps[-1] if self.duty.content.steps else None

    @property
    def last_role(self) -> Role | None:
        return self.last_step.role if self.last_step else None

    @property
    def is_taken(self) -> bool:
        """Whoever was asked last has answered. What they took on is not recorded yet."""
        return self.last_step is not None and self.last_step.state == "acknowledged"

    @property
    def is_being_sent(self) -> bool:
        """Nobody need do anything yet."""
        return self.last_step is not None and self.last_step.state == "told" and not self.overdue

    @property
    def only_promises_a_call(self) -> bool:
        """Police do not have the notice, and whoever said "I have it" is to ring them: nobody has told police yet."""
        first = self.duty.content.steps[0].role if self.duty.content.steps else None
        return first is Role.POLICE_CONTROL_ROOM != self.last_role and self.is_taken and self.waits

    @property
    def overdue(self) -> bool:
        return is_overdue(self.duty.content)


def is_overdue(duty: DutyChanged) -> bool:
    """Somebody's time to answer has passed, whether or not there is a next person to ask.

    Who could not be reached had none: the next person is asked at once, in time.
    """
    unanswered = any(each.state != "failed" for each in duty.steps[:-1])
    return duty.goes_on and (duty.state is DutyState.OVERDUE or unanswered)


@dataclass(frozen=True, slots=True)
class EpisodeLine:
    """One episode in its present state, with its duties."""

    episode: RecordedMessage[EpisodeChanged]
    duties: tuple[DutyLine, ...]
    later: tuple[UpcomingStep, ...] = ()
    """Rules that wait for their time, the next one first."""

    @property
    def waiting(self) -> tuple[DutyLine, ...]:
        """Duties that somebody still has to answer, the most pressing first."""
        return tuple(line for line in self.duties if line.waits)

    @property
    def upcoming(self) -> tuple[UpcomingStep, ...]:
        """The duties' next steps and later rules, the next one first."""
        steps = [
            UpcomingStep(line.duty.content.next_step_at, line.duty.content.next_role, line.duty.content.wording)
            for line in self.duties
            if line.duty.content.next_step_at is not None
        ]
        return tuple(sorted([*steps, *self.later], key=lambda coming: coming.at))


@dataclass(frozen=True)
class CaseLine:
    """One open episode on the list, with counts of its duties."""

    episode: RecordedMessage[EpisodeChanged]
    code: str | None
    """The child's, in the authority's own register."""
    told: int
    reached: int
    """The number of these that need nothing more."""
    waiting: int
    overdue: int
    pressing: tuple[object, ...]
    """The most pressing duties that wait, `MOST_ASKED` at most, as they are kept: few of all cases are shown."""
    next_at: datetime | None
    notices: tuple[object, ...] = ()
    """The duties to tell police, as they are kept."""
    reference_passed_on: bool = False

    @cached_property
    def asked(self) -> tuple[DutyLine, ...]:
        """The same, as a page shows them."""
        child, at, exercise = self.episode.child, self.episode.at, self.episode.exercise
        duties = (DutyChanged.read_again(each) for each in self.pressing)
        return tuple(DutyLine(RecordedMessage("", child, at, exercise, each)) for each in duties)

    @property
    def reference(self) -> str:
        return code_of(self.episode.content.episode)

    @property
    def unidentified(self) -> bool:
        return is_provisional(self.episode.child)

    @property
    def gone(self) -> bool:
        return self.episode.content.state in GONE

    def police_not_told(self, now: datetime) -> bool:
        """As its own page says."""
        duties = map(DutyChanged.read_again, self.notices)
        stand = stand_of(self.episode.content, duties, now, passed_on=self.reference_passed_on)
        return stand is Stand.NOT_TOLD


@dataclass(frozen=True, slots=True)
class Overview:
    """What is open, the most urgent first. Practice is kept apart, and counted nowhere."""

    cases: tuple[CaseLine, ...]
    practice: tuple[CaseLine, ...]
    elsewhere: tuple[DutyLine, ...]
    """Duties that belong to no episode and wait for an answer."""
    not_told: frozenset[str] = frozenset()
    """References of the cases that police do not have."""

    @property
    def not_back(self) -> int:
        return sum(line.gone for line in self.cases)

    @property
    def overdue(self) -> int:
        return sum(line.overdue for line in self.cases) + sum(line.overdue for line in self.elsewhere)

    @property
    def urgent(self) -> tuple[str, ...]:
        """Marks of what needs somebody now. A page that follows gives notice of a mark that it has not had before."""
        untold = sorted(f"{each}-police" for each in self.not_told)
        overdue = [f"{line.reference}-{line.overdue}" for line in self.cases if line.overdue]
        beside = [str(line.duty.content.duty) for line in self.elsewhere if line.overdue]
        return tuple(
            untold + overdue + [line.reference for line in self.cases if line.gone and not line.overdue] + beside
        )


def overview(cases: Iterable[CaseLine], elsewhere: Iterable[DutyLine], now: datetime) -> Overview:
    """Cases that police do not have first, then with an overdue duty, not back, returned; the oldest first in each."""
    cases = list(cases)
    not_told = frozenset(line.reference for line in cases if not line.episode.exercise and line.police_not_told(now))
    lines = sorted(
        cases,
        key=lambda line: (
            line.reference not in not_told, line.overdue == 0, not line.gone, line.episode.content.opened_at,
        ),
    )  # fmt: skip
    return Overview(
        tuple(line for line in lines if not line.episode.exercise),
        tuple(line for line in lines if line.episode.exercise),
        tuple(sorted((line for line in elsewhere if not line.duty.exercise), key=_pressing)),
        not_told,
    )


def episode_line(
    episode: RecordedMessage[EpisodeChanged],
    duties: Iterable[RecordedMessage[DutyChanged]],
    due: Iterable[RecordedMessage[RuleDue]] = (),
) -> EpisodeLine:
    """`due` may hold rules of other episodes too."""
    later = [
        UpcomingStep(each.at, each.content.role, each.content.wording)
        for each in due
        if each.content.episode == episode.content.episode
    ]
    return EpisodeLine(
        episode, tuple(sorted(map(DutyLine, duties), key=_pressing)), tuple(sorted(later, key=lambda coming: coming.at))
    )


def _pressing(line: DutyLine) -> tuple[bool, bool, float, str]:
    duty = line.duty.content
    return (not line.overdue, not line.waits, (duty.next_step_at or line.duty.at).timestamp(), str(duty.duty))
