"""Keeps deadlines: rows that hold the event to publish. The protocol writes and cancels them, the clock claims them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.platform.messages.envelope import compose
from services.platform.store.query import Query, bulk_insert, first_row, to_columns
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message


@dataclass(frozen=True, slots=True)
class Pending:
    """`version` grows with each change of one deadline."""

    deadline: UUID
    version: int
    child: str
    due_at: datetime
    envelope: bytes


PENDING = tuple(field.name for field in fields(Pending))
PUT = bulk_insert(
    "deadlines.due",
    {"deadline": "uuid", "version": "integer", "child": "text", "due_at": "timestamptz", "envelope": "bytea"},
    """
    ON CONFLICT (deadline) DO UPDATE SET version = excluded.version, child = excluded.child, due_at = excluded.due_at,
        envelope = excluded.envelope, fired_at = NULL, cancelled_at = NULL
    WHERE deadlines.due.version < excluded.version
    """,
)
TOLD = "deadlines"
"""The channel on which clocks are told of deadlines that are due before they look again."""
HELD_FOR = timedelta(minutes=1)
"""What somebody recorded can be undone for so long."""
LOOKED_AHEAD = timedelta(seconds=20)
"""Longer than clocks look apart."""
NEXT = "SELECT min(due_at), now() + %(ahead)s FROM deadlines.due WHERE fired_at IS NULL AND cancelled_at IS NULL"
CLAIM = """
    UPDATE deadlines.due SET fired_at = now() + %(ahead)s WHERE deadline = ANY(ARRAY(
        SELECT deadline FROM deadlines.due WHERE fired_at IS NULL AND cancelled_at IS NULL AND due_at <= now() + %(ahead)s
        ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )) RETURNING fired_at - due_at, deadline, version, child, due_at, envelope
"""
CANCEL = "UPDATE deadlines.due SET cancelled_at = %(at)s WHERE deadline = ANY(%(deadlines)s) AND fired_at IS NULL"


def put_all(uow: UnitOfWork, pending: Sequence[Pending], now: datetime) -> None:
    """Replaces a deadline, fired or not, by its later version; an earlier version changes nothing. `now` is story time.

    Written with the commit, after the transaction's earlier puts and cancellations. No deadline may be given twice.
    """
    if pending:
        rows = [{name: getattr(each, name) for name in PENDING} for each in pending]
        uow.write(PUT, to_columns(rows))
        if min(each.due_at for each in pending) < now + LOOKED_AHEAD:
            uow.notify(TOLD)


def cancel(uow: UnitOfWork, at: datetime, *deadlines: UUID) -> None:
    """Cancels deadlines that have not fired; the protocol ignores a fired one that its case has outgrown. Written with
    the commit, after the transaction's earlier puts.
    """
    if deadlines:
        uow.write(CANCEL, {"at": at, "deadlines": list(deadlines)})


def hold(uow: UnitOfWork, now: datetime, name: UUID, message: Message, **envelope: Any) -> None:
    """The clock publishes it in a minute, unless somebody takes it back before. `now` is story time; `envelope` as
    `compose` takes it.
    """
    held = uow.sign(compose(message, message_id=str(name), **{"at": now} | envelope))
    put_all(uow, [Pending(name, 1, envelope["subject"], now + HELD_FOR, held)], now)


def take_back(at: datetime, names: Sequence[UUID]) -> Query[int]:
    """Cancels those that have not fired, at once, and says how many they were. A clock that fires one is waited for."""
    return Query(f"{CANCEL} AND cancelled_at IS NULL RETURNING deadline", {"at": at, "deadlines": list(names)}, len)


async def claim(uow: UnitOfWork, *, ahead: timedelta, most: int) -> list[tuple[timedelta, Pending]]:
    """Marks due deadlines as fired and returns them, longest overdue first, with how late each is. Rows that another
    clock has locked are skipped. The database's clock decides, with story time `ahead` of it: a process whose own is
    wrong would take a step too early or too late.
    """
    read = Query(CLAIM, {"ahead": ahead, "most": most}, lambda rows: [(late, Pending(*row)) for late, *row in rows])
    return sorted(await uow.fetch(read), key=lambda each: each[1].due_at)


def next_due(ahead: timedelta) -> Query[tuple[datetime | None, datetime]]:
    """When the next deadline is due that has neither fired nor been cancelled, and what story time it is."""
    return Query(NEXT, {"ahead": ahead}, first_row)
