"""Reads who holds a role now, and how each person is reached. It is asked at sending, never before.

So nothing depends on one worker's shift, and only the delivery's encrypted row keeps an address.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import phonenumbers

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId
from services.safeguarding.roles import Role, lines_of
from services.safeguarding.working_time import Days, Turn, on_duty

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
) -> Query[list[Holder]]:
    """Those who hold the role, in the order in which they are asked: the one on duty first, then deputies. Empty:
    nobody holds it now.

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
    return Query(
        sql,
        {"lines": list(lines), "authority": authority, "child": child, "at": at},
        partial(_holders_on_duty, lines=lines, at=at),
    )


def duty_holders(duty: Duty, *, child: ChildId, person: PersonId | None, at: datetime) -> Query[list[Holder]]:
    """As `role_holders`, for the duty's role. A `person`, if given, is told in place of the role's holders."""
    return role_holders(
        duty.role, authority=duty.authority, child=child, person=person, at=at, placement=duty.placement
    )


def first_reachable(
    keyring: Keyring, holders: Sequence[Holder], address: Callable[[Contact], str | None]
) -> Contact | None:
    """The first holder for whom `address` returns one."""
    for holder in holders:
        found = holder.sealed.open(keyring, holder.person, holder.language)
        if address(found) is not None:
            return found
    return None


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


def turn_of(row: Any) -> Turn:
    """The turn in a row of the rota."""
    week = Days(row.days), row.starts, row.ends, row.bank_holidays
    return Turn(row.person, row.turn, *week, row.from_at, row.to_at, row.in_place_of, row.away)


def _in_order(rows: Rows, at: datetime) -> list[Holder]:
    holder_of = {row.person: _holder(row) for row in rows}
    return list(dict.fromkeys(holder_of[turn.person] for turn in on_duty(map(turn_of, rows), at)))
