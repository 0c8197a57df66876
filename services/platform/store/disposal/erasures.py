"""Asks for an erasure, and approves it by a second person. The database decides and does it (`disposal.sql`)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import DeadlockDetected, LockNotAvailable

from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import AccountId

ASK = """
    INSERT INTO disposal.erasures (id, authority, owner, reason, asked_by, asked_at)
    VALUES (%(id)s, %(authority)s, %(owner)s, %(reason)s, %(by)s, %(at)s) ON CONFLICT DO NOTHING RETURNING id
"""
WAITING = "SELECT id FROM disposal.erasures WHERE owner = %(owner)s AND approved_at IS NULL AND withdrawn_at IS NULL"
HINDRANCES = "SELECT what, named FROM disposal.hindrances(%(owner)s)"
APPROVE = "SELECT what, named FROM disposal.approve(%(id)s, %(by)s, %(at)s)"
BUSY = (LockNotAvailable, DeadlockDetected)
"""Raised by an approval under `BRIEFLY`, as it has to be, where others hold what it would erase. It waits for each row
while it holds what it has erased before, and some of that is about others too.
"""


class Hindrance(NamedTuple):
    """Why it is not done: `gone` (nobody asks for it any more), `erased` (there is nothing to hold any more), `second`
    (who asked does not approve), `busy` (others hold what it would erase), or what is open: `hold`, `episode`, `duty`,
    `discussion`, `carer`, `rota`, with the name that people say; `whole`: it is of a whole authority, which
    `organisations destroy-key` alone asks for and approves.
    """

    what: str
    named: str | None


def owner_of(authority: AuthorityId) -> str:
    """In place of a child or person: the authority's key, and so all that it seals."""
    return f"authority-{authority}"


def ask_erasure(
    id_: UUID, authority: AuthorityId, owner: str, reason: WordsId | None, by: AccountId, at: datetime
) -> Query[bool]:
    """False if somebody asks for it already. `at` is wall time, here and below."""
    asked = {"id": id_, "authority": authority, "owner": owner, "reason": reason, "by": by, "at": at}
    return Query(ASK, asked, bool)


def waiting_erasure(owner: str) -> Query[UUID | None]:
    return Query(WAITING, {"owner": owner}, scalar)


def hindrances(owner: str) -> Query[list[Hindrance]]:
    return Query(HINDRANCES, {"owner": owner}, _decode)


def approve_erasure(id_: UUID, by: AccountId, at: datetime) -> Query[list[Hindrance]]:
    """Does it, or answers what hinders it: an empty list if it is done. The caller checks whose it is."""
    return Query(APPROVE, {"id": id_, "by": by, "at": at}, _decode)


def _decode(rows: Rows) -> list[Hindrance]:
    return [Hindrance(*row) for row in rows]
