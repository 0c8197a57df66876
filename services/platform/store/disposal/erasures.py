"""Reads what each table holds of a person and of an authority from `holdings.yaml`, and copies it into the database.

Asks for an erasure, and approves it by a second person. The database decides and does it (`disposal.sql`).
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

import yaml
from psycopg.errors import DeadlockDetected, LockNotAvailable
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.operators import AccountId

WRITTEN = Path(__file__).with_name("holdings.yaml")
COPY = """
    INSERT INTO holdings.tables (number, name, about, authority, key)
    VALUES (%(number)s, %(name)s, %(about)s, %(authority)s, %(key)s)
"""


class Holding(BaseModel):
    """What a table holds. The file says what each of these is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    origin: str = Field(default="", alias="from")
    about: str | None = None
    nothing: str | None = None
    authority: str | None = None
    key: str | None = None
    sealed: tuple[str, ...] = ()
    whose: Mapping[str, str] = {}
    messages: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.about is None) == (self.nothing is None):
            raise ValueError("says either which rows are about a person, or why none is")
        if self.about is not None and not (self.title and self.origin and self.fields and self.authority):
            raise ValueError("lacks a title, where it is from, its fields, or whose it is")
        if strangers := {*self.sealed, *self.whose, *self.messages} - {*self.fields}:
            raise ValueError(f"names no field: {', '.join(sorted(strangers))}")
        if self.sealed and self.key is None:
            raise ValueError("needs a key for what is sealed")
        return self


def read_holdings(written: str) -> dict[str, Holding]:
    """Reads them by table, in the order of deleting an authority's rows. Raises ValueError if one is not whole."""
    return {name: Holding.model_validate(each) for name, each in yaml.load(written, yaml.CSafeLoader).items()}


@cache
def holdings() -> dict[str, Holding]:
    return read_holdings(WRITTEN.read_text())


def copy_holdings(connection: Connection) -> None:
    """Replaces what the database had."""
    rows = [
        {"number": number, "name": name, "about": each.about, "authority": each.authority, "key": each.key}
        for number, (name, each) in enumerate(holdings().items())
    ]
    connection.exec_driver_sql("DELETE FROM holdings.tables")
    connection.exec_driver_sql(COPY, rows)


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
