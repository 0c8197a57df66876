"""Which carers have said that they are there, and have practised. All times are story time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.carers.policy.scene import Enrolment
from services.carers.store.tables import enrolments
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.store.pipeline import Statement
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice report that has not been ended."""

    person: PersonId
    authority: AuthorityId
    child: ChildId
    begun_at: datetime


OF = "SELECT practising FROM enrolments WHERE person = %(person)s AND number_hash = %(number_hash)s"


def of(person: PersonId | None, number_hash: bytes) -> Statement:
    """One row at most, read by `enrolment`. A carer with another number than the one that joined has not joined: nobody knows
    whether texts reach it.
    """
    return OF, {"person": person, "number_hash": number_hash}


def enrolment(rows: list[tuple[Any, ...]]) -> Enrolment:
    return Enrolment(joined=True, practising=rows[0][0]) if rows else Enrolment()


async def joined(transaction: Transaction, person: PersonId, number_hash: bytes, at: datetime) -> None:
    """The first time counts, unless it was with another number."""
    written = insert(enrolments).values(person=person, number_hash=number_hash, joined_at=at)
    await transaction.connection.execute(
        written.on_conflict_do_update(
            index_elements=[enrolments.c.person],
            set_={"number_hash": number_hash, "joined_at": at},
            where=enrolments.c.number_hash != number_hash,
        )
    )


async def practising(
    transaction: Transaction, person: PersonId, authority: AuthorityId, child: ChildId, at: datetime
) -> None:
    await transaction.connection.execute(
        update(enrolments)
        .where(enrolments.c.person == person)
        .values(practising=child, practising_since=at, authority=authority)
    )


async def practised(transaction: Transaction, person: PersonId, at: datetime | None) -> None:
    """`at` is None where it was not finished by the carer: then it does not count as done."""
    done = {} if at is None else {"practised_at": at}
    await transaction.connection.execute(
        update(enrolments).where(enrolments.c.person == person).values(practising=None, practising_since=None, **done)
    )


async def left_open(transaction: Transaction, begun_before: datetime) -> Practice | None:
    """One that its carer has not ended; held, so that of several readers one ends it."""
    found = await transaction.connection.execute(
        select(enrolments)
        .where(and_(enrolments.c.practising.is_not(None), enrolments.c.practising_since < begun_before))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = found.mappings().first()
    if row is None:
        return None
    return Practice(row["person"], row["authority"], row["practising"], row["practising_since"])
