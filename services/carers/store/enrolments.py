"""Which carers have said that they are there, and have practised. All times are story time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from services.carers.policy.context import Enrolment
from services.carers.store.tables import enrolments
from services.platform.register.conversation import PEOPLE
from services.platform.store.query import Statement
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice report that has not been ended."""

    person: PersonId
    authority: AuthorityId
    child: ChildId
    begun_at: datetime


OF_NUMBER = f"SELECT person, practising FROM enrolments WHERE number_hash = %(number_hash)s AND person IN ({PEOPLE})"  # noqa: S608 the register's own words


def of_number(numbers: Sequence[bytes]) -> Statement:
    """Rows that `enrolment` reads, of whoever has the number (under each phone key, the newest first). A carer with another number
    than the one that joined has not joined: nobody knows whether texts reach it.
    """
    return OF_NUMBER, {"number_hash": numbers[0], "numbers": list(numbers)}


def enrolment(rows: list[tuple[Any, ...]]) -> Enrolment:
    """Of whoever has the number: as several people whom it belongs to, they join and practise as one."""
    practising: ChildId | None = next((child for _person, child in rows if child is not None), None)
    return Enrolment(joined=bool(rows), practising=practising)


JOINED = """
    INSERT INTO enrolments (person, number_hash, joined_at) VALUES (%(person)s, %(number_hash)s, %(at)s)
    ON CONFLICT (person) DO UPDATE SET number_hash = excluded.number_hash, joined_at = excluded.joined_at
    WHERE enrolments.number_hash <> excluded.number_hash
"""
PRACTISING = """
    UPDATE enrolments SET practising = %(child)s, practising_since = %(at)s, authority = %(authority)s WHERE person = %(person)s
"""
PRACTISED = """
    UPDATE enrolments SET practising = NULL, practising_since = NULL, practised_at = coalesce(%(at)s, practised_at)
    WHERE person = %(person)s
"""


def joined(uow: UnitOfWork, person: PersonId, number_hash: bytes, at: datetime) -> None:
    """The first time counts, unless it was with another number. Written with the commit, as the others are."""
    uow.write(JOINED, {"person": person, "number_hash": number_hash, "at": at})


def practising(uow: UnitOfWork, person: PersonId, authority: AuthorityId, child: ChildId, at: datetime) -> None:
    row = {"person": person, "authority": authority, "child": child, "at": at}
    uow.write(PRACTISING, row)


def practised(uow: UnitOfWork, person: PersonId, at: datetime | None) -> None:
    """`at` is None where it was not finished by the carer: then it does not count as done."""
    uow.write(PRACTISED, {"person": person, "at": at})


async def left_open(uow: UnitOfWork, begun_before: datetime) -> Practice | None:
    """One that its carer has not ended; held, so that of several readers one ends it."""
    found = await uow.connection.execute(
        select(enrolments)
        .where(and_(enrolments.c.practising.is_not(None), enrolments.c.practising_since < begun_before))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = found.mappings().first()
    if row is None:
        return None
    return Practice(row["person"], row["authority"], row["practising"], row["practising_since"])
