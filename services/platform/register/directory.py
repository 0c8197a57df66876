"""Reads who holds a role now, and how each person is reached. It is asked at sending, never before.

So nothing depends on one worker's shift, and only the delivery's encrypted row keeps an address.

Lists the directory for a page: names and hours of the rota, how each is reached, the forces. No numbers.

Keeps what people change of the directory by hand: the rota for a time, and how somebody is reached.

Those who change one authority's part of the register are kept apart by a lock: imports, transfers, corrections by
hand.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import phonenumbers

from services.platform.register.keys import Decryptor, data_key
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, all_rows, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.deeds import Fault
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId, Scope, derived
from services.safeguarding.roles import Role, lines_of
from services.safeguarding.working_time import Days, RotaChange, RotaLine, Turn, on_duty, shifts

COUNTRY = "GB"
WITHOUT_PLUS = re.compile(r"[1-9][0-9]{8,14}")


def with_plus(number: str) -> str:
    """A number with its country's code, as some providers write it. Anything else stays as it came."""
    return f"+{number}" if WITHOUT_PLUS.fullmatch(number.strip()) else number


def e164(sender: str) -> str:
    """The number in the register's form. Anything but a phone number stays as it came."""
    try:
        number = phonenumbers.parse(sender, COUNTRY)
    except phonenumbers.NumberParseException:
        return sender
    if not phonenumbers.is_possible_number(number):
        return sender
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def format_number(number: str) -> str:
    """With spaces, and without the country code of a British number: as it is read out and dialled. Anything but a
    phone number stays as it is.
    """
    try:
        parsed = phonenumbers.parse(number, COUNTRY)
    except phonenumbers.NumberParseException:
        return number
    at_home = parsed.country_code == phonenumbers.country_code_for_region(COUNTRY)
    form = phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


@dataclass(frozen=True, slots=True)
class Contact:
    """`mobile` is E.164. None is a gap: no such number or address is known."""

    person: PersonId
    mobile: str | None
    email: str | None
    language: str


@dataclass(frozen=True, slots=True)
class SealedContact:
    """Number and address as the register keeps them. Many are read together; only the one who is told is opened."""

    mobile: bytes | None
    email: bytes | None
    wrapped: bytes | None

    def open(self, keyring: Keyring, person: PersonId, language: str) -> Contact:
        decryptor = Decryptor(keyring, person, self.wrapped)
        return Contact(
            person, decryptor.open(self.mobile, "people.mobile"), decryptor.open(self.email, "people.email"), language
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the duty desk may ring. None is a gap: not known, or erased."""

    name: str | None
    mobile: str | None


PEOPLE = (
    "SELECT person, name, mobile, wrapped FROM register.people_for_duty_desk WHERE person = ANY(%(people)s::text[])"
)
BY_PERSON = "SELECT mobile, email, language, wrapped FROM register.for_contact WHERE person = %(person)s"
LANGUAGE = "SELECT language FROM register.for_contact WHERE person = %(person)s::text"


def contact_by_person(keyring: Keyring, person: PersonId) -> Query[Contact | None]:
    """None where the register knows no such person."""

    def decode(rows: Rows) -> Contact | None:
        if not rows:
            return None
        [row] = rows
        return SealedContact(row.mobile, row.email, row.wrapped).open(keyring, person, row.language)

    return Query(BY_PERSON, {"person": person}, decode)


def language_of_person(person: PersonId | None) -> Query[str | None]:
    """None where the register knows no such person."""
    return Query(LANGUAGE, {"person": person}, scalar)


def people_by_id(keyring: Keyring, people: Collection[PersonId]) -> Query[dict[PersonId, Person]]:
    """For the duty desk. Whom the register does not know is left out."""

    def decode(rows: Rows) -> dict[PersonId, Person]:
        opened = [(row, Decryptor(keyring, row.person, row.wrapped)) for row in rows]
        return {
            row.person: Person(key.open(row.name, "people.name"), key.open(row.mobile, "people.mobile"))
            for row, key in opened
        }

    return Query(PEOPLE, {"people": list(people)}, decode)


@dataclass(frozen=True, slots=True)
class Holder:
    person: PersonId
    authority: AuthorityId
    language: str
    sealed: SealedContact = field(default=SealedContact(None, None, None), compare=False, repr=False)


# Number and address come with each row.
NAMED = "SELECT person, authority, language, mobile, email, wrapped FROM register.for_contact WHERE person = %(person)s"
CARERS = """
    SELECT carer.person, carer.authority, carer.language, mobile, email, wrapped
    FROM register.carers_now AS carer JOIN register.for_contact AS how ON how.person = carer.person
    WHERE carer.child = %(child)s::text OR carer.placement = %(placement)s::text ORDER BY carer.from_at, carer.person
"""
LINES = """
    SELECT line.*, mobile, email, wrapped
    FROM register.rota AS line JOIN register.for_contact AS how ON how.person = line.person
    WHERE (line.role IS NULL OR line.role = ANY(%(lines)s::text[])) AND (line.child IS NULL OR line.child = %(child)s::text)
        AND (line.to_at IS NULL OR line.to_at > %(at)s)
"""
AHEAD = timedelta(days=14)
HOST = "SELECT host_authority FROM register.for_protocol WHERE child = %(child)s::text"
ON_DUTY = f"{LINES} AND line.authority = %(authority)s"
ON_DUTY_OR_HOST = f"{LINES} AND (line.authority = %(authority)s OR line.authority = ({HOST}))"


def role_holders(
    role: Role,
    *,
    authority: AuthorityId,
    child: ChildId | None,
    person: PersonId | None,
    at: datetime,
    placement: PlacementId | None = None,
    to_come: bool = False,
) -> Query[list[Holder]]:
    """Those who hold the role, in the order in which they are asked: the one on duty first, then deputies. Empty:
    nobody holds it now, or, if those `to_come` count, for `AHEAD`.

    A `person` whom the duty names is the answer for any role. `at` is story time. A police control room is no person:
    see `services.platform.register.organisations`.
    """
    if person is not None:
        return Query(NAMED, {"person": person}, _holders)
    if role is Role.CARERS_ALL:
        # A child who is not identified yet has the placement that the report came from.
        return Query(CARERS, {"child": child, "placement": placement}, _holders)
    lines = lines_of(role)
    sql = ON_DUTY_OR_HOST if role is Role.HOST_DUTY_DESK else ON_DUTY
    asked = {"lines": list(lines), "authority": authority, "child": child, "at": at}
    found = _holders_to_come if to_come else _holders_on_duty
    return Query(sql, asked, partial(found, lines=lines, at=at))


def duty_holders(
    duty: Duty, *, child: ChildId, person: PersonId | None, at: datetime, to_come: bool = False
) -> Query[list[Holder]]:
    """As `role_holders`, for the duty's role. A `person`, if given, is told in place of the role's holders."""
    about = partial(role_holders, duty.role, authority=duty.authority, placement=duty.placement)
    return about(child=child, person=person, at=at, to_come=to_come)


def first_reachable(
    keyring: Keyring, holders: Sequence[Holder], address: Callable[[Contact], str | None]
) -> Contact | None:
    """The first holder for whom `address` returns one."""
    found = (each.sealed.open(keyring, each.person, each.language) for each in holders)
    return next((each for each in found if address(each) is not None), None)


def _holders(rows: Rows) -> list[Holder]:
    return list(dict.fromkeys(map(_holder, rows)))


def _holder(row: Any) -> Holder:
    return Holder(row.person, row.authority, row.language, SealedContact(row.mobile, row.email, row.wrapped))


def _holders_on_duty(rows: Rows, *, lines: Sequence[str], at: datetime) -> list[Holder]:
    """Those of the first line that has somebody on duty. The child's own rota goes before the authority's. A row
    without a role is of somebody who is away from every role.
    """
    for line in lines:
        of_line = [row for row in rows if row.role in {line, None}]
        of_child = [row for row in of_line if row.child is not None or row.away or row.in_place_of is not None]
        chosen = _in_order(of_child, at) or _in_order(of_line, at)
        if chosen:
            return chosen
    return []


def _holders_to_come(rows: Rows, *, lines: Sequence[str], at: datetime) -> list[Holder]:
    """Whoever is on duty, or is when the role's next hours begin."""
    begins = (shift.from_at for shift in shifts([turn_of(row) for row in rows], at, at + AHEAD))
    return next(filter(None, (_holders_on_duty(rows, lines=lines, at=each) for each in begins)), [])


def turn_of(row: Any) -> Turn:
    """The turn in a row of the rota."""
    week = Days(row.days), row.starts, row.ends, row.bank_holidays
    return Turn(row.person, row.turn, *week, row.from_at, row.to_at, row.in_place_of, row.away)


def _in_order(rows: Rows, at: datetime) -> list[Holder]:
    holder_of = {row.person: _holder(row) for row in rows}
    return list(dict.fromkeys(holder_of[turn.person] for turn in on_duty(map(turn_of, rows), at)))


@dataclass(frozen=True, slots=True)
class ForceLine:
    """`host` is where its notices go, `callback` the telephone number of its control room."""

    force: ForceId
    name: str
    host: str | None
    callback: str | None


OF_THESE = "(%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))"
ROTA = f"""
    SELECT * FROM register.directory_for_console WHERE {OF_THESE} AND (to_at IS NULL OR to_at > %(at)s)
    ORDER BY authority, role, code, turn, person
"""  # noqa: S608 this module's own words, here and below
FORCE_LINES = """
    SELECT DISTINCT ON (force) force, name, host, callback FROM register.forces_for_console
    WHERE effective_at <= %(at)s ORDER BY force, effective_at DESC
"""
PLACEMENT = """
    SELECT placement FROM register.placements_for_protocol WHERE authority = %(authority)s AND force = %(force)s
    ORDER BY placement LIMIT 1
"""
AREAS = f"""
    SELECT DISTINCT authority, force FROM register.placements_for_protocol WHERE {OF_THESE} ORDER BY authority, force
"""  # noqa: S608
IS_KNOWN = "SELECT EXISTS (SELECT FROM register.authorities WHERE id = %(authority)s)"
TELEPHONES = f"SELECT person, mobile, wrapped FROM register.telephones_for_console WHERE {OF_THESE}"  # noqa: S608


def rota_lines(keyring: Keyring, authorities: Scope, at: datetime) -> Query[list[RotaLine]]:
    """The rota by role, in the order in which people are asked, without changes that are over at `at` (story time)."""

    def decode(rows: Rows) -> list[RotaLine]:
        return [_rota_line(keyring, row) for row in rows]

    return Query(ROTA, {"authorities": authorities, "at": at}, decode)


def _rota_line(keyring: Keyring, row: Any) -> RotaLine:
    return RotaLine(
        row.authority,
        row.role,
        row.person,
        Decryptor(keyring, row.person, row.wrapped).open(row.name, "people.name"),
        row.code,
        turn_of(row),
        row.has_mobile,
        row.has_email,
        row.change,
    )


def telephones(keyring: Keyring, authorities: Scope) -> Query[dict[PersonId, str]]:
    """Numbers of the people in the directory, for somebody on duty who has to ring them."""

    def decode(rows: Rows) -> dict[PersonId, str]:
        found = {
            row.person: Decryptor(keyring, row.person, row.wrapped).open(row.mobile, "people.mobile") for row in rows
        }
        return {person: mobile for person, mobile in found.items() if mobile is not None}

    return Query(TELEPHONES, {"authorities": authorities}, decode)


def force_lines(at: datetime) -> Query[list[ForceLine]]:
    """The forces by name, as they are reached at `at` (wall time)."""
    return Query(
        FORCE_LINES, {"at": at}, lambda rows: sorted((ForceLine(*row) for row in rows), key=lambda each: each.name)
    )


def placement_in_area(authority: AuthorityId, force: ForceId) -> Query[PlacementId | None]:
    """The authority's first placement in that force's area: exercises are set there. None: there is none."""
    return Query(PLACEMENT, {"authority": authority, "force": force}, scalar)


def is_known(authority: AuthorityId) -> Query[bool]:
    """Whether the register has such an authority."""
    return Query(IS_KNOWN, {"authority": authority}, scalar)


def areas_with_placements(authorities: Scope) -> Query[list[tuple[AuthorityId, ForceId]]]:
    """Each of these authorities, with each force in whose area it has placements."""
    return Query(AREAS, {"authorities": authorities}, lambda rows: [(row.authority, row.force) for row in rows])


LOCK = """
    SELECT pg_advisory_xact_lock(hashtextextended('register ' || each, 0)) FROM unnest(%(names)s::text[]) AS each
"""


async def lock_register(uow: UnitOfWork, *authorities: AuthorityId) -> None:
    """Keeps others from changing these authorities' register until the end of the transaction."""
    await uow.fetch(Query(LOCK, {"names": sorted(set(authorities))}, all_rows))


ADD = """
    INSERT INTO register.rota_changes (id, authority, person, role, in_place_of, away, calendar, from_at, to_at, made_by)
    VALUES (%(id)s, %(authority)s, %(person)s, %(role)s, %(in_place_of)s, %(away)s, %(calendar)s, %(from_at)s, %(to_at)s,
        %(made_by)s)
    ON CONFLICT (id) DO UPDATE SET to_at = excluded.to_at
"""
ONE_CALENDAR = "SELECT pg_advisory_xact_lock(hashtextextended('calendar ' || %(authority)s || ' ' || %(role)s, 0))"
"""Of two at once, the later ends the earlier's shifts too."""
END_CALENDAR = """
    UPDATE register.rota_changes SET to_at = greatest(from_at, %(at)s)
    WHERE calendar AND authority = %(authority)s AND role = %(role)s AND to_at > %(at)s
"""
END = "UPDATE register.rota_changes SET to_at = greatest(from_at, %(at)s) WHERE id = %(id)s AND to_at > %(at)s"
IS_TAKEN = """
    SELECT id FROM register.people WHERE authority = %(authority)s AND number_hash = ANY(%(hashes)s) AND id <> %(person)s
"""
MOBILE = "UPDATE register.people SET mobile = %(sealed)s, number_hash = %(hash)s WHERE id = %(person)s"
EMAIL = "UPDATE register.people SET email = %(sealed)s WHERE id = %(person)s"
CORRECTED = """
    INSERT INTO register.corrections (person, field, made_by, made_at)
    VALUES (%(person)s, %(field)s, %(made_by)s, %(at)s)
    ON CONFLICT (person, field) DO UPDATE SET made_by = excluded.made_by, made_at = excluded.made_at
"""


def add(
    uow: UnitOfWork, name: str, authority: AuthorityId, change: RotaChange, made_by: str, *, calendar: bool = False
) -> None:
    """Holds from the next message on. Added again under its `name`, it gets a new end. `calendar`: it came in one."""
    row = asdict(change) | {"id": derived("rota", name), "authority": authority, "made_by": made_by}
    uow.write(ADD, row | {"calendar": calendar})


def replace_calendar(
    uow: UnitOfWork, authority: AuthorityId, role: str, shifts: Iterable[RotaChange], made_by: str, at: datetime
) -> None:
    """Ends the shifts that an earlier calendar gave the role, unless this one has them too. `at` is story time."""
    uow.write(ONE_CALENDAR, {"authority": authority, "role": role})
    uow.write(END_CALENDAR, {"authority": authority, "role": role, "at": at})
    for each in shifts:
        name = f"{authority} {role} {each.person} {each.from_at} {each.to_at}"
        add(uow, name, authority, each, made_by, calendar=True)


def end(uow: UnitOfWork, change: UUID, at: datetime) -> None:
    """Ends a change at once; one that has not begun never begins. `at` is story time."""
    uow.write(END, {"id": change, "at": at})


async def correct(
    uow: UnitOfWork,
    keyring: Keyring,
    authority: AuthorityId,
    person: PersonId,
    ways: Mapping[str, str],
    made_by: str,
    at: datetime,
) -> dict[str, Fault]:
    """Corrects `mobile` or `email`. Imports leave it so until their source agrees; one that runs now is waited for.
    Returns faults by field, such as a number that another person has; then nothing is changed.
    """
    mobile, email = ways.get("mobile"), ways.get("email")
    number = None if mobile is None else e164(mobile)
    if number is not None and not number.startswith("+"):
        return {"mobile": Fault.NO_WAY}
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        return {"email": Fault.NO_WAY}
    named: dict[str, object] = {"person": person}
    await lock_register(uow, authority)
    key = await data_key(uow.connection, keyring, person)
    if number is not None:
        hashes = keyring.number_hashes(number)
        named |= {"hash": hashes[0], "hashes": list(hashes), "authority": authority}
        if await uow.fetch(Query(IS_TAKEN, named, bool)):
            return {"mobile": Fault.TAKEN}
        uow.write(MOBILE, named | {"sealed": key.close(number, "people.mobile")})
    if email is not None:
        uow.write(EMAIL, named | {"sealed": key.close(email, "people.email")})
    for way in ways:
        uow.write(CORRECTED, {"person": person, "field": way, "made_by": made_by, "at": at})
    return {}
