"""Keeps the hand-overs of shifts: who wrote which note for whom, and who accepted it. Story time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.platform.store.query import Query, Rows, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, PersonId, WordsId
from services.safeguarding.operators import AccountId

ADD = """
    INSERT INTO hand_overs (hand_over, authority, person, words, made_by, made_at)
    VALUES (%(hand_over)s, %(authority)s, %(person)s, %(words)s, %(made_by)s, %(made_at)s)
"""
ACCEPT = """
    UPDATE hand_overs SET accepted_by = %(account)s, accepted_at = %(at)s
    WHERE hand_over = %(hand_over)s AND accepted_at IS NULL
    AND (%(authority)s::text IS NULL OR authority = %(authority)s) RETURNING authority, person
"""
NEWEST = """
    SELECT * FROM hand_overs
    WHERE (%(authority)s::text IS NULL OR authority = %(authority)s) AND (accepted_at IS NULL OR made_at > %(after)s)
    ORDER BY made_at DESC
"""


@dataclass(frozen=True, slots=True)
class HandOver:
    hand_over: UUID
    authority: AuthorityId
    person: PersonId
    words: tuple[WordsId, ...]
    made_by: AccountId
    made_at: datetime
    accepted_by: AccountId | None = None
    accepted_at: datetime | None = None


def add_hand_over(uow: UnitOfWork, made: HandOver) -> None:
    row = {name: getattr(made, name) for name in ("hand_over", "authority", "person", "made_by", "made_at")}
    uow.write(ADD, row | {"words": list(made.words)})


async def accept_hand_over(
    uow: UnitOfWork, hand_over: UUID, authority: AuthorityId | None, account: AccountId, at: datetime
) -> Any:
    """The row's authority and person; None where it was accepted before, or is another authority's."""
    named = {"hand_over": hand_over, "authority": authority, "account": account, "at": at}
    return await uow.fetch(Query(ACCEPT, named, first_row))


def hand_overs_after(authority: AuthorityId | None, after: datetime) -> Query[list[HandOver]]:
    """The newest first, and each that nobody has accepted."""

    def decode(rows: Rows) -> list[HandOver]:
        return [HandOver(**row._asdict() | {"words": tuple(row.words)}) for row in rows]

    return Query(NEWEST, {"authority": authority, "after": after}, decode)
