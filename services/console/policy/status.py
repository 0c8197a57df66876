"""Sums up open episodes and duties: who has been told, who has answered, and what comes next, when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.console.policy.record import RecordedMessage
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState
from services.safeguarding.identifiers import code_of, is_provisional
from services.safeguarding.roles import Role

GONE = frozenset({EpisodeState.MISSING, EpisodeState.LOCATED})


@dataclass(frozen=True, slots=True)
class UpcomingStep:
    """A step or a later duty that comes at this time, unless something happens first."""

    at: datetime
    role: Role | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty in its present state."""

    duty: RecordedMessage[DutyChanged]
    waits: bool
    """Somebody still has to answer."""

    @property
    def last_role(self) -> Role | None:
        """The role that was told last, which has to answer now."""
        return self.duty.content.steps[-1].role if self.duty.content.steps else None

    @property
    def overdue(self) -> bool:
        return self.duty.content.state is DutyState.OVERDUE


@dataclass(frozen=True, slots=True)
class EpisodeLine:
    """One episode in its present state, with its duties."""

    episode: RecordedMessage[EpisodeChanged]
    duties: tuple[DutyLine, ...]
    later: tuple[UpcomingStep, ...] = ()
    """Rules that wait for their time, the next one first."""

    @property
    def code(self) -> str:
        return code_of(self.episode.content.episode)

    @property
    def unidentified(self) -> bool:
        return is_provisional(self.episode.child)

    @property
    def waiting(self) -> tuple[DutyLine, ...]:
        """Duties that somebody still has to answer, the most pressing first."""
        return tuple(line for line in self.duties if line.waits)

    @property
    def overdue(self) -> int:
        return sum(line.overdue for line in self.duties)

    @property
    def told(self) -> int:
        """The number of duties, without cancelled ones."""
        return sum(line.duty.content.state is not DutyState.CANCELLED for line in self.duties)

    @property
    def reached(self) -> int:
        """The number of these that need nothing more. Delivery is not enough, unless the duty asks for no answer."""
        return sum(line.duty.content.state is not DutyState.CANCELLED and not line.waits for line in self.duties)

    @property
    def next(self) -> UpcomingStep | None:
        """The next of the duties' steps and later rules."""
        steps = [
            UpcomingStep(line.duty.content.next_step_at, line.duty.content.next_role)
            for line in self.duties
            if line.duty.content.next_step_at is not None
        ]
        return min([*steps, *self.later], key=lambda coming: coming.at, default=None)


@dataclass(frozen=True, slots=True)
class Overview:
    episodes: tuple[EpisodeLine, ...]
    elsewhere: tuple[DutyLine, ...]
    """Duties that belong to no episode and wait for an answer."""

    @property
    def not_back(self) -> int:
        return sum(line.episode.content.state in GONE for line in self.episodes)

    @property
    def overdue(self) -> int:
        return sum(line.overdue for line in self.episodes) + sum(line.overdue for line in self.elsewhere)


def overview(
    episodes: Sequence[RecordedMessage[EpisodeChanged]],
    duties: Iterable[RecordedMessage[DutyChanged]],
    elsewhere: Iterable[RecordedMessage[DutyChanged]],
    due: Sequence[RecordedMessage[RuleDue]] = (),
) -> Overview:
    """Episodes with an overdue duty first, then children not back, then the returned; the oldest first in each."""
    by_episode: dict[UUID | None, list[RecordedMessage[DutyChanged]]] = {}
    for duty in duties:
        by_episode.setdefault(duty.content.episode, []).append(duty)
    lines = [episode_line(each, by_episode.get(each.content.episode, ()), due) for each in episodes]
    lines.sort(key=_urgent)
    return Overview(tuple(lines), tuple(sorted(map(_duty_line, elsewhere), key=_pressing)))


def episode_line(
    episode: RecordedMessage[EpisodeChanged],
    duties: Iterable[RecordedMessage[DutyChanged]],
    due: Iterable[RecordedMessage[RuleDue]] = (),
) -> EpisodeLine:
    """`due` may hold rules of other episodes too."""
    later = [
        UpcomingStep(each.at, rule=each.content.rule) for each in due if each.content.episode == episode.content.episode
    ]
    return EpisodeLine(
        episode,
        tuple(sorted(map(_duty_line, duties), key=_pressing)),
        tuple(sorted(later, key=lambda coming: coming.at)),
    )


def _urgent(line: EpisodeLine) -> tuple[bool, bool, datetime]:
    episode = line.episode.content
    return (line.overdue == 0, episode.state not in GONE, episode.opened_at)


def _duty_line(duty: RecordedMessage[DutyChanged]) -> DutyLine:
    return DutyLine(duty, duty.content.goes_on)


def _pressing(line: DutyLine) -> tuple[bool, bool, float, str]:
    duty = line.duty.content
    return (not line.overdue, not line.waits, (duty.next_step_at or line.duty.at).timestamp(), str(duty.duty))
