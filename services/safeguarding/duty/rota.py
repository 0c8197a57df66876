"""Describes a line of an authority's rota, and works out from its lines who is on duty when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby, pairwise
from uuid import UUID

from services.safeguarding.identifiers import AuthorityId, PersonId
from services.safeguarding.working_time import ENGLAND, Turn, day_in_england, on_duty


@dataclass(frozen=True, slots=True)
class RotaLine:
    """One turn of one person. `code` is the child's, where the line is of one child alone. `change` names a change of
    the rota; who is away from every role has no `role`.
    """

    authority: AuthorityId
    role: str | None
    person: PersonId
    name: str | None
    code: str | None
    turn: Turn
    has_mobile: bool
    has_email: bool
    change: UUID | None = None


@dataclass(frozen=True, slots=True)
class RotaChange:
    """For a time: `person` takes the turns of `in_place_of`, is on duty beside the weekly lines, or is `away`."""

    person: PersonId
    role: str | None
    from_at: datetime
    to_at: datetime
    in_place_of: PersonId | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """`people` in the order in which they are asked. Nobody: a gap."""

    from_at: datetime
    to_at: datetime
    people: tuple[PersonId, ...]


def shifts(rota: Sequence[Turn], start: datetime, end: datetime) -> list[Shift]:
    """Who is on duty from `start` to `end`, without a break. A new shift begins where other people are asked."""
    inner = {moment for moment in _moments(rota, start, end) if start < moment < end}
    spans = [
        Shift(since, until, tuple(dict.fromkeys(turn.person for turn in on_duty(rota, since))))
        for since, until in pairwise([start, *sorted(inner), end])
    ]
    same = (list(group) for _, group in groupby(spans, key=lambda shift: shift.people))
    return [Shift(group[0].from_at, group[-1].to_at, group[0].people) for group in same]


def _moments(rota: Iterable[Turn], start: datetime, end: datetime) -> Iterable[datetime]:
    """Each time at which somebody may come on or go off."""
    days = range((day_in_england(end) - day_in_england(start)).days + 1)
    hours = {time(0)}
    for turn in rota:
        if turn.from_at is not None and turn.to_at is not None:
            yield from (turn.from_at, turn.to_at)
        else:
            hours |= {turn.starts, turn.ends}
    for day in days:
        for hour in hours:
            yield datetime.combine(day_in_england(start) + timedelta(days=day), hour, ENGLAND).astimezone(UTC)
