"""Keeps what people change of the directory by hand: the rota for a time, and how somebody is reached.

Those who change one authority's part of the register are kept apart by a lock: imports, transfers, corrections by
hand.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from services.platform.register.directory import e164
from services.platform.register.keys import data_key
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.deeds import Fault
from services.safeguarding.identifiers import AuthorityId, PersonId, derived
from services.safeguarding.working_time import RotaChange

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
    for field in ways:
        uow.write(CORRECTED, {"person": person, "field": field, "made_by": made_by, "at": at})
    return {}
