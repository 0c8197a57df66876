"""Leases: which process sends which row. Short, renewed while a send lasts, released by a process that comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.delivery.parcel import UNSENT, Parcel, State
from services.delivery.rows import Lease, parcel_of
from services.delivery.tables import deliveries as rows


@dataclass(frozen=True, slots=True)
class InHand:
    """A row that this process holds. `uncertain`: an earlier attempt may have arrived, its answer was lost."""

    parcel: Parcel
    attempts: int = 0
    uncertain: bool = False
    recipient: bytes | None = None
    body: bytes | None = None
    by_voice: bool = False
    """A text of it did not arrive: it is read out by a call."""


async def due(
    connection: AsyncConnection, lease: Lease, *, now: datetime, passed_over: Sequence[str], most: int
) -> list[InHand]:
    """The urgent first, of those and of the others the longest due first. `passed_over` are lanes that are full or failing."""
    return await _claim(
        connection,
        lease,
        now,
        [rows.c.next_attempt_at <= now, rows.c.lane.not_in(passed_over)],
        [rows.c.urgent.desc(), rows.c.next_attempt_at],
        most,
    )


async def one_of_lane(
    connection: AsyncConnection, lease: Lease, lane: str, *, now: datetime, untried: bool
) -> InHand | None:
    """What a failing lane tries next, due or not: what was never tried goes first, then what has waited longest for its turn."""
    conditions = [rows.c.lane == lane, *([rows.c.attempts == 0] if untried else [])]
    claimed = await _claim(connection, lease, now, conditions, [rows.c.attempts > 0, rows.c.next_attempt_at], 1)
    return claimed[0] if claimed else None


async def _claim(
    connection: AsyncConnection,
    lease: Lease,
    now: datetime,
    conditions: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    most: int,
) -> list[InHand]:
    free = (
        select(rows.c.id)
        .where(
            rows.c.state.in_(UNSENT),
            or_(rows.c.lease_until.is_(None), rows.c.lease_until < now),
            *conditions,
        )
        .order_by(*order)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = await connection.execute(
        update(rows)
        .where(rows.c.id.in_(free.scalar_subquery()))
        .values(lease_owner=lease.owner, lease_until=lease.until)
        .returning(rows)
    )
    return sorted(
        (_in_hand(cast("dict[str, Any]", row)) for row in claimed.mappings()), key=lambda hand: hand.parcel.created_at
    )


def _in_hand(row: dict[str, Any]) -> InHand:
    return InHand(
        parcel=parcel_of(row),
        attempts=row["attempts"],
        uncertain=row["state"] in {State.SENDING, State.UNKNOWN},
        recipient=row["recipient"],
        body=row["body"],
        by_voice=row["by_voice"],
    )


async def renew(connection: AsyncConnection, lease: Lease, ids: Iterable[UUID]) -> None:
    await connection.execute(
        update(rows).where(rows.c.id.in_(list(ids)), rows.c.lease_owner == lease.owner).values(lease_until=lease.until)
    )


async def release(connection: AsyncConnection, owner: str, ids: Iterable[UUID] | None = None) -> None:
    """All that `owner` holds, or those of `ids`."""
    held = [rows.c.lease_owner == owner, rows.c.state.in_(UNSENT)]
    if ids is not None:
        held.append(rows.c.id.in_(list(ids)))
    await connection.execute(update(rows).where(*held).values(lease_owner=None, lease_until=None))


async def bring_forward(connection: AsyncConnection, lane: str, now: datetime) -> None:
    """The lane answers again: what waits for its later turn is due at once."""
    await connection.execute(
        update(rows)
        .where(rows.c.lane == lane, rows.c.state == State.WAITING, rows.c.next_attempt_at > now)
        .values(next_attempt_at=now)
    )


async def backlog(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many wait to be sent, and since when the oldest does."""
    found = await connection.execute(select(func.count(), func.min(rows.c.created_at)).where(rows.c.state.in_(UNSENT)))
    row = found.one()
    return row[0], row[1]
