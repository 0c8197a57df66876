"""Shows who is on call now and in the days to come, and puts open cases into words for whoever comes on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from services.console.policy.status import CaseLine, DutyLine
from services.safeguarding.duty.decisions import StepRecord
from services.safeguarding.identifiers import AuthorityId, PersonId
from services.safeguarding.roles import DUTY
from services.safeguarding.working_time import RotaLine, Shift, TimeForm, Turn, format_time, shifts

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
    return role.startswith(DUTY)


def names_of(listed: Iterable[RotaLine]) -> dict[PersonId, str]:
    return {line.person: line.name or "name erased" for line in listed}


InWords = Callable[[object, str], str]
"""The words for a value of a field."""


def describe_cases(cases: Sequence[CaseLine], in_words: InWords) -> list[str]:
    """A case each: how it stands, then a line for each of its most pressing duties."""
    return ["\n".join(_block(each, in_words)) for each in cases]


def _block(line: CaseLine, in_words: InWords) -> Iterable[str]:
    episode = line.episode.content
    name = line.code or "Not yet identified"
    yield f"{name} ({line.reference}): {in_words(episode.state, 'state')} since {_hour(episode.returned_at or episode.opened_at)}."
    yield from chain.from_iterable(_duty(each, in_words) for each in line.asked)
    if line.waiting > len(line.asked):
        yield f"- And {line.waiting - len(line.asked)} more wait for an answer: see the console."
    if episode.open_conditions:
        still = ", ".join(in_words(each, "open_conditions") for each in episode.open_conditions)
        yield f"- Before it closes: {still}."


def _duty(line: DutyLine, in_words: InWords) -> Iterable[str]:
    duty = line.duty.content
    if not duty.steps:
        return
    matter, promised = in_words(duty.wording, "wording"), _promise(duty.steps)
    then = "" if duty.next_step_at is None else f"; asked again {_hour(duty.next_step_at)}"
    if promised is not None:
        yield f"- {matter}: {in_words(promised.role, 'role')} has it since {_hour(promised.changed_at)}{then}."
    else:
        last = duty.steps[-1]
        yield f"- {matter}: waits for {in_words(last.role, 'role')}, told {_hour(last.told_at)}{then}."


def _promise(steps: Iterable[StepRecord]) -> StepRecord | None:
    """The newest word of somebody that they have it."""
    said = [each for each in steps if each.state == "acknowledged"]
    return max(said, key=lambda each: each.changed_at, default=None)


def _hour(at: datetime) -> str:
    return format_time(at, TimeForm.WEEKDAY)
