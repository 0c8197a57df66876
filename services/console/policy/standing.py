"""How things stand: who has been told and who has not, who has answered, and what comes next, when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.console.record import Recorded
from services.safeguarding.decisions import DutyChanged, DutyState, EpisodeChanged
from services.safeguarding.identifiers import code_of, is_provisional
from services.safeguarding.roles import Role


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty as it stands."""

    duty: Recorded[DutyChanged]
    waits: bool
    """Somebody has still to answer."""

    @property
    def last_role(self) -> Role | None:
        """Who was told last, so who is to answer now."""
        return self.duty.content.steps[-1].role if self.duty.content.steps else None

    @property
    def overdue(self) -> bool:
        return self.duty.content.state is DutyState.OVERDUE


@dataclass(frozen=True, slots=True)
class EpisodeLine:
    """One episode as it stands, with its duties."""

    episode: Recorded[EpisodeChanged]
    duties: tuple[DutyLine, ...]

    @property
    def code(self) -> str:
        return code_of(self.episode.content.episode)

    @property
    def unidentified(self) -> bool:
        return is_provisional(self.episode.child)

    @property
    def waiting(self) -> tuple[DutyLine, ...]:
        """Duties that somebody has still to answer, the most pressing first."""
        return tuple(line for line in self.duties if line.waits)

    @property
    def overdue(self) -> int:
        return sum(line.overdue for line in self.duties)

    @property
    def told(self) -> int:
        """How many duties there are to tell somebody, without those that fell away."""
        return sum(line.duty.content.state is not DutyState.CANCELLED for line in self.duties)

    @property
    def reached(self) -> int:
        """How many of them reached whom they had to. Delivered is not acknowledged, unless the duty asks for no answer."""
        return sum(line.duty.content.state is not DutyState.CANCELLED and not line.waits for line in self.duties)

    @property
    def next(self) -> DutyLine | None:
        """The duty whose next step comes first."""
        coming = [line for line in self.duties if line.duty.content.next_step_at is not None]
        return min(coming, key=_next_step_at, default=None)


@dataclass(frozen=True, slots=True)
class Overview:
    episodes: tuple[EpisodeLine, ...]
    elsewhere: tuple[DutyLine, ...]
    """Duties of no episode that wait for an answer."""

    @property
    def overdue(self) -> int:
        return sum(line.overdue for line in self.episodes) + sum(line.overdue for line in self.elsewhere)


def waits_for_answer(duty: DutyChanged) -> bool:
    """Whether somebody has still to answer. A duty that is content with being taken by the other end has no step to come then."""
    if duty.state is DutyState.ACCEPTED:
        return duty.next_step_at is not None
    return duty.state in {DutyState.OPEN, DutyState.OVERDUE}


def overview(
    episodes: Sequence[Recorded[EpisodeChanged]],
    duties: Iterable[Recorded[DutyChanged]],
    elsewhere: Iterable[Recorded[DutyChanged]],
) -> Overview:
    """Episodes with an overdue duty first, then the longest open."""
    by_episode: dict[UUID | None, list[Recorded[DutyChanged]]] = {}
    for duty in duties:
        by_episode.setdefault(duty.content.episode, []).append(duty)
    lines = [episode_line(each, by_episode.get(each.content.episode, ())) for each in episodes]
    lines.sort(key=lambda line: (line.overdue == 0, line.episode.content.opened_at))
    return Overview(tuple(lines), tuple(sorted(map(_duty_line, elsewhere), key=_pressing)))


def episode_line(episode: Recorded[EpisodeChanged], duties: Iterable[Recorded[DutyChanged]]) -> EpisodeLine:
    return EpisodeLine(episode, tuple(sorted(map(_duty_line, duties), key=_pressing)))


def _duty_line(duty: Recorded[DutyChanged]) -> DutyLine:
    return DutyLine(duty, waits_for_answer(duty.content))


def _pressing(line: DutyLine) -> tuple[bool, bool, float, str]:
    duty = line.duty.content
    return (not line.overdue, not line.waits, _next_step_at(line).timestamp(), str(duty.duty))


def _next_step_at(line: DutyLine) -> datetime:
    return line.duty.content.next_step_at or line.duty.at
