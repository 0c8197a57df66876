"""Deadlines: rows that hold the event to publish. The protocol writes and cancels them, the clock claims them."""

from dataclasses import dataclass
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


async def put(
    transaction: Transaction, *, deadline: UUID, version: int, child: str, due_at: datetime, envelope: bytes
) -> None:
    """A later version of a deadline takes the place of the earlier one, fired or not; an earlier version changes nothing."""
    row = {"deadline": deadline, "version": version, "child": child, "due_at": due_at, "envelope": envelope}
    written = insert(due).values(row)
    fresh = {**row, "fired_at": None, "cancelled_at": None}
    await transaction.connection.execute(
        written.on_conflict_do_update(index_elements=[due.c.deadline], set_=fresh, where=due.c.version < version)
    )


async def cancel(transaction: Transaction, deadline: UUID, at: datetime) -> None:
    await transaction.connection.execute(
        update(due).where(due.c.deadline == deadline, due.c.fired_at.is_(None)).values(cancelled_at=at)
    )


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
