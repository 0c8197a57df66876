"""Keeps which carers have joined, and have practised. All times are story time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.carers.policy.context import Enrolment
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice report that has not been ended."""

    person: PersonId
    authority: AuthorityId
    child: ChildId
    begun_at: datetime


OF_NUMBER = """
    SELECT practising FROM enrolments WHERE number_hash = %(number_hash)s
    AND person IN (SELECT person FROM register.for_conversation WHERE number_hash = ANY(%(numbers)s::bytea[]))
    ORDER BY practising
"""


def enrolment_of(numbers: Sequence[bytes]) -> Query[Enrolment]:
    """Of everybody whom the number belongs to: they join and practise as one. `numbers` are its hashes, the newest
    first.

    A carer who joined with another number has not joined: nobody knows whether texts reach this one.
    """
    asked = {"number_hash": numbers[0], "numbers": list(numbers)}
    return Query(OF_NUMBER, asked, lambda rows: Enrolment(bool(rows), next((row.practising for row in rows), None)))


JOIN = """
    INSERT INTO enrolments (person, number_hash, joined_at) VALUES (%(person)s, %(number_hash)s, %(at)s)
    ON CONFLICT (person) DO UPDATE SET number_hash = excluded.number_hash, joined_at = excluded.joined_at
    WHERE enrolments.number_hash <> excluded.number_hash
"""
BEGIN_PRACTICE = """
    UPDATE enrolments SET practising = %(child)s, practising_since = %(at)s, authority = %(authority)s WHERE person = %(person)s
"""
END_PRACTICE = """
    UPDATE enrolments SET practising = NULL, practising_since = NULL, practised_at = coalesce(%(at)s, practised_at)
    WHERE person = %(person)s
"""


def join(uow: UnitOfWork, person: PersonId, number_hash: bytes, at: datetime) -> None:
    """The first time counts, unless it was with another number. Written with the commit, as the others are."""
    uow.write(JOIN, {"person": person, "number_hash": number_hash, "at": at})


def begin_practice(uow: UnitOfWork, person: PersonId, authority: AuthorityId, child: ChildId, at: datetime) -> None:
    uow.write(BEGIN_PRACTICE, {"person": person, "authority": authority, "child": child, "at": at})


def end_practice(uow: UnitOfWork, person: PersonId, at: datetime | None) -> None:
    """`at` is None where the carer did not finish it: then it does not count as done."""
    uow.write(END_PRACTICE, {"person": person, "at": at})


OLDEST_PRACTICE = """
    SELECT person, authority, practising, practising_since FROM enrolments
    WHERE practising IS NOT NULL ORDER BY practising_since LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def oldest_practice() -> Query[Practice | None]:
    """The oldest that its carer has not ended. It is locked, so that one process alone ends it."""
    return Query(OLDEST_PRACTICE, {}, lambda rows: Practice(*rows[0]) if rows else None)
