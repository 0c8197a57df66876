"""Works out who is on duty now, which contacts are unreliable, and what an authority lacks before it goes live."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId
from services.safeguarding.roles import ALWAYS_HELD, Channel, lines_of
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


NEEDED = ("placements", "people", "carers", "children", "directory")
FRESH_FOR = timedelta(hours=51)
"""As the alert for a stale register has it: a nightly import, and half a day to mend one that failed."""
LOOKED_AHEAD = timedelta(days=7)
PEOPLE_WHO_SIGN_IN = 2
"""Duty managers. One alone is on leave some day."""


@dataclass(frozen=True, slots=True)
class ForceFacts:
    """A force in whose area the authority has placements."""

    force: ForceId
    is_reached: bool
    """An approved version says how."""
    has_api: bool
    is_agreed: bool
    """A sharing agreement that names its fields is in force today."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`imported`: when each table was, story time. `exercised`: channels by which a message of an exercise arrived."""

    has_duty_line: bool
    credentials: int
    imported: Mapping[str, datetime]
    rota: Sequence[RotaLine]
    managers: int
    """Duty managers with a second factor, or whom an organisation signs in."""
    is_signed_in_by_provider: bool
    forces: Sequence[ForceFacts]
    exercised: Collection[str]


@dataclass(frozen=True, slots=True)
class Check:
    """`name` has its words in the messages. `lacking`: what is missing, in ids and times; empty where nothing is."""

    name: str
    lacking: tuple[str, ...] = ()
    unheld: tuple[datetime, tuple[str, ...]] | None = None
    """The first hour in which nobody holds one of these roles."""

    @property
    def is_met(self) -> bool:
        return not self.lacking and self.unheld is None


def checks(facts: Facts, now: datetime) -> list[Check]:
    """`now` is story time."""
    old = [each for each in NEEDED if each not in facts.imported or now - facts.imported[each] > FRESH_FOR]
    unreached = tuple(each.force for each in facts.forces if not each.is_reached)
    enough = facts.is_signed_in_by_provider or facts.managers >= PEOPLE_WHO_SIGN_IN
    by = {Channel.TEXT, Channel.EMAIL} | ({Channel.WEBHOOK} if any(each.has_api for each in facts.forces) else set())
    return [
        Check("duty-line", () if facts.has_duty_line else ("duty_line",)),
        Check("credential", () if facts.credentials else ("credential",)),
        Check("register", tuple(old)),
        Check("rota", () if facts.rota else ("directory",), _first_unheld(facts.rota, now)),
        Check("sign-in", () if enough else (f"{facts.managers} of {PEOPLE_WHO_SIGN_IN}",)),
        Check("forces", unreached if facts.forces else ("placements",)),
        Check("agreements", tuple(each.force for each in facts.forces if not each.is_agreed)),
        Check("channels", tuple(sorted(each for each in by if each not in facts.exercised))),
    ]


def _first_unheld(rota: Sequence[RotaLine], now: datetime) -> tuple[datetime, tuple[str, ...]] | None:
    """The first hour of the coming week in which nobody holds a role that has to be held, and the roles."""
    for hour in range(int(LOOKED_AHEAD / timedelta(hours=1))):
        at = (now + timedelta(hours=hour)).replace(minute=0, second=0, microsecond=0)
        for _, roles in directory(rota, {}, max(at, now)).unheld:
            return at, roles
    return None
