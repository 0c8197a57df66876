"""Deadlines: rows that hold the event to publish. The protocol writes and cancels them, the clock claims them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from services.store.tables import due
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class DueRow:
    deadline: UUID
    child: str
    due_at: datetime
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """`version` grows with each change of one deadline."""

    deadline: UUID
    version: int
    child: str
    due_at: datetime
    envelope: bytes


PENDING = tuple(field.name for field in fields(Pending))


async def put_all(transaction: Transaction, pending: Sequence[Pending]) -> None:
    """A later version of a deadline takes the place of the earlier one, fired or not; an earlier version changes nothing."""
    if not pending:
        return
    written = insert(due)
    fresh = {name: written.excluded[name] for name in ("version", "child", "due_at", "envelope")}
    newer = due.c.version < written.excluded.version
    upsert = written.on_conflict_do_update(
        index_elements=[due.c.deadline], set_=fresh | {"fired_at": None, "cancelled_at": None}, where=newer
    )
    await transaction.connection.execute(upsert, [{name: getattr(each, name) for name in PENDING} for each in pending])


async def put(
    transaction: Transaction, *, deadline: UUID, version: int, child: str, due_at: datetime, envelope: bytes
) -> None:
    await put_all(transaction, [Pending(deadline, version, child, due_at, envelope)])


async def cancel(transaction: Transaction, at: datetime, *deadlines: UUID) -> None:
    """Those that have fired already are left as they are: the protocol passes over what the case has outgrown."""
    if deadlines:
        still = due.c.deadline.in_(deadlines), due.c.fired_at.is_(None)
        await transaction.connection.execute(update(due).where(*still).values(cancelled_at=at))


async def claim(transaction: Transaction, *, now: datetime, most: int) -> list[DueRow]:
    """Due and neither fired nor cancelled, longest overdue first; rows in another clock's hands are passed over."""
    rows = await transaction.connection.execute(
        select(due.c.deadline, due.c.child, due.c.due_at, due.c.envelope)
        .where(due.c.fired_at.is_(None), due.c.cancelled_at.is_(None), due.c.due_at <= now)
        .order_by(due.c.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [DueRow(*row) for row in rows]


async def fired(transaction: Transaction, deadlines: list[UUID], at: datetime) -> None:
    await transaction.connection.execute(update(due).where(due.c.deadline.in_(deadlines)).values(fired_at=at))
