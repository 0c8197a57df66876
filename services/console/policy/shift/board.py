"""Shows who is on call now and in the days to come, and which changes of the rota stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.safeguarding.identifiers import AuthorityId, PersonId
from services.safeguarding.working_time import RotaLine, Shift, Turn, shifts

SHOWN = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RoleBoard:
    """A duty role of one authority. The first of the shifts is the one that runs now."""

    authority: AuthorityId
    role: str
    shifts: tuple[Shift, ...]

    @property
    def now(self) -> Shift:
        return self.shifts[0]


@dataclass(frozen=True, slots=True)
class Board:
    roles: tuple[RoleBoard, ...]
    changes: tuple[RotaLine, ...]
    """Those that stand or are to come, the next first."""
    names: Mapping[PersonId, str]

    @property
    def people(self) -> list[PersonId]:
        """Who is on call at some time of it, by name."""
        found = {person for role in self.roles for shift in role.shifts for person in shift.people}
        return sorted(found, key=lambda person: (self.names[person], person))


def board(listed: Iterable[RotaLine], now: datetime, shown: timedelta = SHOWN) -> Board:
    """`now` is story time."""
    lines = list(listed)
    by_role: dict[tuple[AuthorityId, str], list[Turn]] = {}
    for line in lines:
        if line.role is not None and is_of_duty(line.role):
            by_role.setdefault((line.authority, line.role), []).append(line.turn)
    away = [line.turn for line in lines if line.role is None]
    roles = (
        RoleBoard(authority, role, tuple(shifts([*turns, *away], now, now + shown)))
        for (authority, role), turns in by_role.items()
    )
    changes = sorted(
        (line for line in lines if line.change is not None), key=lambda line: (line.turn.from_at, line.turn.person)
    )
    return Board(tuple(roles), tuple(changes), names_of(lines))


def is_of_duty(role: str) -> bool:
    """Also `duty.social-worker`, which is on the directory and no `Role`."""
    return role.startswith("duty.")


def names_of(listed: Iterable[RotaLine]) -> dict[PersonId, str]:
    return {line.person: line.name or "name erased" for line in listed}
