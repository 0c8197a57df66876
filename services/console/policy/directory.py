"""Works out who is on duty now and which contacts are unreliable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.safeguarding.identifiers import AuthorityId, PersonId
from services.safeguarding.roles import ALWAYS_HELD, lines_of
from services.safeguarding.working_time import RotaLine, Turn, on_duty

STALE_AFTER = timedelta(days=90)
VERIFIED_FOR = timedelta(days=40)
"""A month between two contact tests, and some days to answer."""


class Doubt(StrEnum):
    """Why a contact is unreliable."""

    NO_WAY = "no-way"
    FAILING = "failing"
    NEVER_REACHED = "never-reached"
    STALE = "stale"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Contact:
    """When a message to this person last arrived or was answered, and when one last failed. None: never."""

    reached_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    answered_at: datetime | None = None
    """When they last acknowledged a message themselves."""


@dataclass(frozen=True, slots=True)
class DirectoryLine:
    """`place` 1 is asked first, then 2 and so on, the deputies. None: not on duty now."""

    listed: RotaLine
    place: int | None
    doubt: Doubt | None
    contact: Contact


@dataclass(frozen=True, slots=True)
class RoleLines:
    """Everybody of one role in one authority; those on duty now first."""

    authority: AuthorityId
    role: str
    lines: tuple[DirectoryLine, ...]

    @property
    def on_duty(self) -> bool:
        return any(line.place is not None for line in self.lines)


@dataclass(frozen=True, slots=True)
class Directory:
    duty: tuple[RoleLines, ...]
    """Roles of an authority as a whole."""
    of_children: tuple[DirectoryLine, ...]
    unheld: tuple[tuple[AuthorityId, tuple[str, ...]], ...]
    """Gaps in the rota: the authority, and the roles of which one has to be on duty now."""

    @property
    def doubtful(self) -> int:
        people = {
            line.listed.person: line.doubt
            for line in [*(line for role in self.duty for line in role.lines), *self.of_children]
        }
        return sum(doubt is not None for doubt in people.values())


def directory(listed: Iterable[RotaLine], contacts: Mapping[PersonId, Contact], now: datetime) -> Directory:
    """`now` is story time."""
    by_role: dict[tuple[AuthorityId, str], list[RotaLine]] = {}
    of_children, away = [], []
    for each in listed:
        if each.role is None:
            away.append(each.turn)
        elif each.code is None:
            by_role.setdefault((each.authority, each.role), []).append(each)
        else:
            of_children.append(_line(each, None, contacts, now))
    duty = tuple(_role(authority, role, lines, away, contacts, now) for (authority, role), lines in by_role.items())
    return Directory(duty, tuple(of_children), tuple(_unheld(duty)))


def _unheld(duty: tuple[RoleLines, ...]) -> Iterable[tuple[AuthorityId, tuple[str, ...]]]:
    held = {(each.authority, each.role) for each in duty if each.on_duty}
    for authority in dict.fromkeys(each.authority for each in duty):
        for lines in map(lines_of, ALWAYS_HELD):
            if not any((authority, line) in held for line in lines):
                yield authority, lines


def _role(
    authority: AuthorityId,
    role: str,
    listed: list[RotaLine],
    away: list[Turn],
    contacts: Mapping[PersonId, Contact],
    now: datetime,
) -> RoleLines:
    """Of the rota's changes, those are shown by which somebody is on duty."""
    turns = [*(each.turn for each in listed), *away]
    order = {id(turn): place for place, turn in enumerate(on_duty(turns, now), start=1)}
    shown = [each for each in listed if each.change is None or id(each.turn) in order]
    lines = [_line(each, order.get(id(each.turn)), contacts, now) for each in shown]
    lines.sort(key=lambda line: (line.place is None, line.place or line.listed.turn.order))
    return RoleLines(authority, role, tuple(lines))


def _line(listed: RotaLine, place: int | None, contacts: Mapping[PersonId, Contact], now: datetime) -> DirectoryLine:
    contact = contacts.get(listed.person, Contact())
    return DirectoryLine(listed, place, _doubt(listed, contact, now), contact)


def _doubt(listed: RotaLine, contact: Contact, now: datetime) -> Doubt | None:
    reached, failed = contact.reached_at, contact.failed_at
    if not listed.has_mobile and not listed.has_email:
        return Doubt.NO_WAY
    if failed is not None and (reached is None or failed > reached):
        return Doubt.FAILING
    if reached is None:
        return Doubt.NEVER_REACHED
    if now - reached > STALE_AFTER:
        return Doubt.STALE
    answered = contact.answered_at
    return Doubt.UNVERIFIED if answered is None or now - answered > VERIFIED_FOR else None
