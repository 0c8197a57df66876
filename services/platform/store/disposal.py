"""Reads how long each record is kept, and what ends it, from `retention.yaml`, and deletes a service's rows whose time
is over.

A few are deleted at once, and the evidence topic says how many.

Reads what each table holds of a person and of an authority from `holdings.yaml`, and copies it into the database.

Asks for an erasure, and approves it by a second person. The database decides and does it (`disposal.sql`).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

import yaml
from psycopg.errors import DeadlockDetected, LockNotAvailable
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating, run_each
from services.platform.store.query import PLAN_BY_VALUES, Query, Rows, all_rows, scalar
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import RecordDisposed
from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.message import Topic
from services.safeguarding.operators import AccountId

MOST = timedelta(days=2557)
"""Seven years: six in which a claim may be brought (Limitation Act 1980), and one in which it is answered."""
WRITTEN = Path(__file__).with_name("retention.yaml")


class Action(StrEnum):
    """What ends a record."""

    ROWS_DELETED = "rows-deleted"
    MONTH_DROPPED = "month-dropped"
    KAFKA_FORGETS = "kafka-forgets"
    NOTHING_YET = "nothing-yet"
    NOBODYS = "nobodys"
    """It is about no person."""


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sweep(_Written):
    """The rows of a table that go when `since` is longer ago than their record is kept, unless somebody holds them. All
    but the names are SQL. `where` may compare with `%(before)s`, before which the newest row lies that may go.
    """

    services: tuple[str, ...]
    table: str
    since: str
    where: str = "true"
    about: str = "'{}'::text[]"
    """An array of the children whose row it is."""
    authority: str = "NULL"
    """Whose row it is, where it says so itself."""
    skips_locked: bool = False
    """Rows that others have locked wait for the next time: they lock several, and not in the order of a sweep."""


class Record(_Written):
    holds: str
    tables: tuple[str, ...] = ()
    """`each.x` is the table x of every service."""
    topics: tuple[Topic, ...] = ()
    begins: str = ""
    """From when its time is counted."""
    kept: timedelta | None = None
    least: timedelta | None = None
    """An authority may keep it for another time, from this to `MOST`. None: it may not."""
    months: int | None = None
    proposed: str = ""
    """What we propose to the controller, where nothing ends it yet."""
    basis: str = ""
    source: str = ""
    action: Action
    by: str = ""
    """What does it, where no sweep does."""
    sweeps: tuple[Sweep, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = {
            Action.ROWS_DELETED: (self.kept, self.begins, self.by or self.sweeps),
            Action.MONTH_DROPPED: (self.months, self.begins, self.by),
            Action.KAFKA_FORGETS: (self.kept, self.begins, self.topics),
            Action.NOTHING_YET: (self.proposed, self.begins),
            Action.NOBODYS: (),
        }[self.action]
        if not all(needed) or (self.action is not Action.NOBODYS and not (self.basis and self.source)):
            raise ValueError(f"{self.action} lacks a period, its beginning, its basis, a source, or what does it")
        if self.action is Action.NOTHING_YET and (self.kept or self.months):
            raise ValueError("a period that nothing enforces is a proposal")
        if strangers := {each.table for each in self.sweeps} - {*self.tables}:
            raise ValueError(f"sweeps what it does not hold: {', '.join(sorted(strangers))}")
        if self.least and not (self.kept and self.least <= self.kept <= MOST and self.sweeps):
            raise ValueError("an authority can set the period of a record that a sweep ends, from less to more")
        return self

    @property
    def period(self) -> str:
        """As a reader says it."""
        if self.months is not None:
            return f"{self.months} months"
        if self.kept is None:
            return "without end"
        days, minutes = self.kept / timedelta(days=1), self.kept / timedelta(minutes=1)
        return (
            f"{days:g} days" if days > 1 else f"{minutes / 60:g} hours" if minutes % 60 == 0 else f"{minutes:g} minutes"
        )


class Schedule(_Written):
    bases: Mapping[str, str]
    records: Mapping[str, Record]

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        places = Counter(each for record in self.records.values() for each in (*record.tables, *record.topics))
        if twice := sorted(place for place, times in places.items() if times > 1):
            raise ValueError(f"in two records: {', '.join(twice)}")
        if unknown := {each.basis for each in self.records.values()} - {"", *self.bases}:
            raise ValueError(f"no such basis: {', '.join(sorted(unknown))}")
        return self


def read_schedule(written: str) -> Schedule:
    """Raises ValueError where a record is not whole, or a table or topic stands in two."""
    return Schedule.model_validate(yaml.load(written, yaml.CSafeLoader))


@cache
def schedule() -> Schedule:
    return read_schedule(WRITTEN.read_text())


def shorter_periods(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """The records that an authority keeps for less time than before."""
    usual = {name: each.kept.days for name, each in schedule().records.items() if each.least and each.kept}
    return [name for name, days in usual.items() if after.get(name, days) < before.get(name, days)]


EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
"""While one fails, all the others are asked as often."""
AT_ONCE = 500
DELETIONS = "hashtextextended('deletions', 0)"
"""The lock that whoever deletes takes."""
MAY_SWEEP = Query(f"SELECT pg_try_advisory_xact_lock_shared({DELETIONS})", {}, scalar)
ALONE = Query(f"SELECT pg_advisory_xact_lock({DELETIONS})", {}, all_rows)
"""Nobody else sweeps, erases or holds until the transaction's end: a hold is of what is there, and all of it stays."""
OWN_PERIODS = "SELECT authority, kept FROM disposal.own_periods(%(name)s)"


def own_periods(name: str) -> Query[dict[AuthorityId, timedelta]]:
    """For how long each authority that has set a period of its own keeps the record."""
    return Query(OWN_PERIODS, {"name": name}, dict)


def delete_old_rows(
    name: str, record: Record, sweep: Sweep, now: datetime, own: Mapping[AuthorityId, timedelta]
) -> Query[int]:
    """Deletes the first whose time is over, and says how many. A row that is changed meanwhile stays.

    Finding whose a row is takes several look-ups. None is made for a row that is too young still: for the authority
    that it names or, if it names none, for every authority.
    """
    sql = f"""
        DELETE FROM {sweep.table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {sweep.table} d WHERE {sweep.since} < %(before)s AND ({sweep.where})
            AND ({sweep.authority} IS NULL OR {sweep.since} < %(now)s - coalesce(
                (%(periods)s::interval[])[array_position(%(authorities)s::text[], {sweep.authority})], %(usual)s))
            AND disposal.is_over(%(name)s, {sweep.since}, %(now)s, %(usual)s, {sweep.about}, {sweep.authority})
            LIMIT %(most)s {"FOR UPDATE SKIP LOCKED" if sweep.skips_locked else ""}
        )) RETURNING true
    """  # noqa: S608 our own words, from `retention.yaml`
    usual = record.kept or timedelta.max
    soonest = min(usual, *own.values()) if own else usual
    asked = {"name": name, "now": now, "usual": usual, "before": now - soonest, "most": AT_ONCE}
    return Query(sql, asked | {"authorities": [*own], "periods": [*own.values()]}, len)


class Disposal:
    """Sweeps the tables that `retention.yaml` names for the store's service.

    By wall time: a row that bears story time is never taken too early, since story time is never behind.
    """

    def __init__(self, store: Store, clocks: Clocks, service: str) -> None:
        self._store, self._clocks = store, clocks
        self.sweeps = [
            (name, record, sweep)
            for name, record in schedule().records.items()
            for sweep in record.sweeps
            if service in sweep.services
        ]

    def repeating(self) -> Repeating:
        return Repeating("disposal", self.turn, every_seconds=EVERY_SECONDS, again_seconds=AGAIN_SECONDS)

    async def turn(self) -> bool:
        """True while there is more. Each table in a transaction of its own: if one fails, the others are swept all the
        same. Raises its error then.
        """
        return AT_ONCE in await run_each(self._sweep, self.sweeps)

    async def _sweep(self, each: tuple[str, Record, Sweep]) -> int:
        name, record, sweep = each
        async with self._store.transaction() as uow:
            _, may, own = await uow.fetch(PLAN_BY_VALUES, MAY_SWEEP, own_periods(name))
            if not may:
                return 0
            query = delete_old_rows(name, record, sweep, self._clocks.wall(), own)
            rows = await uow.fetch(query)
            if rows:
                said = RecordDisposed(record=name, table=sweep.table, rows=rows, before=query.parameters["before"])
                uow.publish(said, subject=f"record-{name}")
        return rows


HOLDINGS_WRITTEN = Path(__file__).with_name("holdings.yaml")
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
    return read_holdings(HOLDINGS_WRITTEN.read_text())


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
