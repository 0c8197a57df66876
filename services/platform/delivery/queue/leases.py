"""Leases rows to the process that sends them: for a short time, renewed while a send lasts, released by a process that comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Text, all_, bindparam, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from services.platform.delivery.model import UNSENT, Delivery, State
from services.platform.delivery.queue.readings import read_names
from services.platform.delivery.queue.repository import Lease, decode_delivery
from services.platform.delivery.retry_policy import CALLBACK_PATIENCE, WITHOUT_PATIENCE
from services.platform.delivery.tables import attempts
from services.platform.delivery.tables import deliveries as rows
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class LeasedDelivery:
    """A row that this process holds. `uncertain`: an earlier attempt may have arrived, its result was lost.

    `recipient` and `body` as the first attempt fixed them, encrypted.
    """

    delivery: Delivery
    attempts: int = 0
    uncertain: bool = False
    recipient: bytes | None = None
    body: bytes | None = None
    by_voice: bool = False
    """A text of it did not arrive: a call reads it out."""
    looked_up: tuple[str, ...] = ()
    """What was read of the register to prepare it and is not on the record yet, since no attempt has been recorded."""

    @property
    def is_fixed(self) -> bool:
        return self.recipient is not None and self.body is not None

    @property
    def needs_key(self) -> bool:
        """Whether its owner's key is needed to send it: to decrypt recipient and body, or to encrypt them at the first attempt."""
        return self.is_fixed or self.delivery.body is None


def _claim(conditions: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]]) -> ReturningUpdate[Any]:
    """Built once: each sweep asks it."""
    free = (
        select(rows.c.id)
        .where(rows.c.state.in_(UNSENT), or_(rows.c.lease_until.is_(None), rows.c.lease_until < NOW), *conditions)
        .order_by(*order)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(rows)
        # An array is read once. PostgreSQL may read `IN (...)` anew for each row, and then claims more than `most`.
        .where(rows.c.id == func.any(func.array(free.scalar_subquery())))
        .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"))
        .returning(rows)
    )


NOW = bindparam("now", type_=rows.c.lease_until.type)
DUE = _claim(
    [rows.c.next_attempt_at <= NOW, rows.c.lane != all_(bindparam("passed_over", type_=ARRAY(Text)))],
    [rows.c.urgent.desc(), rows.c.next_attempt_at],
)
OF_LANE = [rows.c.attempts > 0, rows.c.next_attempt_at]
ONE_OF_LANE = _claim([rows.c.lane == bindparam("of_lane")], OF_LANE)
ONE_UNTRIED_OF_LANE = _claim([rows.c.lane == bindparam("of_lane"), rows.c.attempts == 0], OF_LANE)


async def due(
    connection: AsyncConnection, lease: Lease, *, now: datetime, passed_over: Sequence[str], most: int
) -> list[LeasedDelivery]:
    """Claims urgent rows first, and of either kind those that are due longest. `passed_over` are lanes that are full or failing."""
    return await _claimed(connection, DUE, lease, now=now, most=most, passed_over=list(passed_over))


async def one_of_lane(
    connection: AsyncConnection, lease: Lease, lane: str, *, now: datetime, untried: bool
) -> LeasedDelivery | None:
    """Claims the row that a failing lane tries next, due or not: one that was never tried, else the one that is due longest."""
    asked = ONE_UNTRIED_OF_LANE if untried else ONE_OF_LANE
    claimed = await _claimed(connection, asked, lease, now=now, most=1, of_lane=lane)
    return claimed[0] if claimed else None


async def _claimed(
    connection: AsyncConnection, asked: ReturningUpdate[Any], lease: Lease, **filled: Any
) -> list[LeasedDelivery]:
    claimed = await connection.execute(asked, {"owner": lease.owner, "until": lease.until} | filled)
    return sorted(
        (_leased(cast("dict[str, Any]", row)) for row in claimed.mappings()),
        key=lambda leased: leased.delivery.created_at,
    )


def _leased(row: dict[str, Any]) -> LeasedDelivery:
    return LeasedDelivery(
        delivery=decode_delivery(row),
        attempts=row["attempts"],
        uncertain=row["state"] in {State.SENDING, State.UNKNOWN},
        recipient=row["recipient"],
        body=row["body"],
        by_voice=row["by_voice"],
        looked_up=read_names(row["looked_up"]),
    )


RENEW = "UPDATE delivery.deliveries SET lease_until = %(until)s WHERE id = ANY(%(ids)s) AND lease_owner = %(owner)s"


def renew(uow: UnitOfWork, lease: Lease, ids: Iterable[UUID]) -> None:
    uow.write(RENEW, {"ids": list(ids), "owner": lease.owner, "until": lease.until})


async def release(
    connection: AsyncConnection, owner: str, ids: Iterable[UUID] | None = None, *, but: Iterable[UUID] = ()
) -> bool:
    """All rows that `owner` holds, or those of `ids`, and none of `but`. False if there were none."""
    held = [rows.c.lease_owner == owner, rows.c.state.in_(UNSENT), rows.c.id.not_in(list(but))]
    if ids is not None:
        held.append(rows.c.id.in_(list(ids)))
    released = await connection.execute(update(rows).where(*held).values(lease_owner=None, lease_until=None))
    return released.rowcount > 0


async def bring_forward(connection: AsyncConnection, lane: str, now: datetime) -> None:
    """When the lane answers again: rows that wait for another attempt are due at once, or, if a result was lost, after its patience."""
    went_by = (
        select(attempts.c.medium).where(attempts.c.delivery == rows.c.id).order_by(attempts.c.attempt.desc()).limit(1)
    )
    without = went_by.scalar_subquery().in_(WITHOUT_PATIENCE)
    patience = case((without, literal(now)), else_=func.greatest(now, rows.c.changed_at + CALLBACK_PATIENCE))
    for state, due in ((State.WAITING, literal(now)), (State.UNKNOWN, patience)):
        await connection.execute(
            update(rows)
            .where(rows.c.lane == lane, rows.c.state == state, rows.c.next_attempt_at > due)
            .values(next_attempt_at=due)
        )


@dataclass(frozen=True, slots=True)
class Backlog:
    """The rows that wait to be sent: how many, when the oldest was created, and when the next will be due and free of its lease."""

    count: int
    oldest: datetime | None
    next_at: datetime | None


BACKLOG = """
    SELECT count(*) AS count, min(created_at) AS oldest,
        min(greatest(next_attempt_at, lease_until)) FILTER (WHERE greatest(next_attempt_at, lease_until) > %(now)s) AS next_at
    FROM delivery.deliveries WHERE state IN ('waiting', 'sending', 'unknown')
"""


def backlog(now: datetime) -> Query[Backlog]:
    """`now` is wall time."""
    return Query(BACKLOG, {"now": now}, lambda found: Backlog(**found[0]._asdict()))
