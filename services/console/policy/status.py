"""Sums up open episodes and duties: who has been told, who has answered, and what comes next, when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from services.console.policy.police_line import Stand, stand_of
from services.console.policy.record import RecordedMessage
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.identifiers import code_of, is_provisional
from services.safeguarding.roles import Role, Wording

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
    """Cases that police do not have first, then those with an overdue duty, children not back, the returned; the oldest
    first in each.
    """
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
        episode,
        tuple(sorted(map(DutyLine, duties), key=_pressing)),
        tuple(sorted(later, key=lambda coming: coming.at)),
    )


def _pressing(line: DutyLine) -> tuple[bool, bool, float, str]:
    duty = line.duty.content
    return (not line.overdue, not line.waits, (duty.next_step_at or line.duty.at).timestamp(), str(duty.duty))
