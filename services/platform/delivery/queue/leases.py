"""Leases rows to the process that sends them: briefly, renewed during a send, released when a process comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery import metrics
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue.repository import Lease, decode_delivery, read_names
from services.platform.delivery.retry_policy import CALLBACK_PATIENCE, WITHOUT_PATIENCE
from services.platform.runtime.logs import logger
from services.platform.store.query import Query, Reader, all_rows
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
        """Whether sending needs its owner's key, to decrypt recipient and body or, at first, to encrypt them."""
        return self.is_fixed or self.delivery.body is None


CLAIM = """
    UPDATE delivery.deliveries SET lease_owner = %(owner)s, lease_until = %(until)s
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE state IN ('waiting', 'sending', 'unknown') AND (lease_until IS NULL OR lease_until < %(now)s) AND {which}
        LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING *
"""
"""An array is read once. PostgreSQL may read `IN (...)` anew for each row, and then claims more than `most`."""
DUE = CLAIM.format(
    which="next_attempt_at <= %(now)s AND lane <> ALL(%(passed_over)s::text[]) ORDER BY urgent DESC, next_attempt_at"
)
ONE_OF_LANE = CLAIM.format(
    which="lane = %(of_lane)s AND CASE WHEN attempts = 0 THEN next_attempt_at <= %(now)s ELSE NOT %(untried)s END "
    "ORDER BY attempts > 0, withdrawn_at, changed_at"
)
"""In turns: one whose key is away must not keep the lane from the others. A withdrawn one goes first."""


async def due(
    connection: AsyncConnection, lease: Lease, *, now: datetime, passed_over: Sequence[str], most: int
) -> list[LeasedDelivery]:
    """Claims urgent rows first, and of either kind those due longest. `passed_over`: lanes that are full or failing."""
    return await _claimed(connection, DUE, lease, now=now, most=most, passed_over=list(passed_over))


async def one_of_lane(
    connection: AsyncConnection, lease: Lease, lane: str, *, now: datetime, untried: bool
) -> LeasedDelivery | None:
    """Claims the row that a failing lane tries next: one never tried, else, due or not, the one tried longest ago."""
    claimed = await _claimed(connection, ONE_OF_LANE, lease, now=now, most=1, of_lane=lane, untried=untried)
    return claimed[0] if claimed else None


async def _claimed(connection: AsyncConnection, asked: str, lease: Lease, **filled: Any) -> list[LeasedDelivery]:
    held = {"owner": lease.owner, "until": lease.until}
    rows = await Reader(connection).fetch(Query(asked, held | filled, all_rows))
    claimed = filter(None, map(_leased, rows))
    return sorted(claimed, key=lambda leased: leased.delivery.created_at)


def _leased(row: Any) -> LeasedDelivery | None:
    """None for what a later version wrote and this one cannot read: it must not hold up the others. Its lease keeps it
    aside for a moment.
    """
    try:
        delivery = decode_delivery(row)
    except (KeyError, ValueError) as error:
        metrics.DEFECTS.inc()
        logger().error("a delivery of another version cannot be read", delivery=str(row.id), exc_info=error)
        return None
    return LeasedDelivery(
        delivery=delivery,
        attempts=row.attempts,
        uncertain=row.state in {State.SENDING, State.UNKNOWN},
        recipient=row.recipient,
        body=row.body,
        by_voice=row.by_voice,
        looked_up=read_names(row.looked_up),
    )


RENEW = """
    UPDATE delivery.deliveries SET lease_until = %(until)s
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries WHERE id = ANY(%(ids)s) AND lease_owner = %(owner)s FOR UPDATE SKIP LOCKED
    ))
"""
"""A row that is being written is left to the next renewal: both lock several rows, and would wait for each other."""


def renew(uow: UnitOfWork, lease: Lease, ids: Iterable[UUID]) -> None:
    uow.write(RENEW, {"ids": list(ids), "owner": lease.owner, "until": lease.until})


RELEASE = """
    UPDATE delivery.deliveries SET lease_owner = NULL, lease_until = NULL,
        next_attempt_at = CASE WHEN state = 'sending' AND number_hash IS NOT NULL
            THEN greatest(next_attempt_at, changed_at + %(patience)s) ELSE next_attempt_at END
    WHERE id = ANY(ARRAY(
        SELECT id FROM delivery.deliveries
        WHERE lease_owner = %(owner)s AND state IN ('waiting', 'sending', 'unknown') AND id <> ALL(%(but)s::uuid[])
            AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
        FOR NO KEY UPDATE SKIP LOCKED
    ))
    RETURNING id
"""


async def release(
    connection: AsyncConnection, owner: str, ids: Iterable[UUID] | None = None, *, but: Iterable[UUID] = ()
) -> bool:
    """All rows that `owner` holds, or those of `ids`, and none of `but`. False if there were none. A row that somebody
    else has locked is left to the end of its lease: while we waited for it, nobody could send the others. A text or
    call that may be on its way waits until its provider can say so: whoever sent it again at once would send it twice.
    """
    which = {"owner": owner, "ids": None if ids is None else list(ids), "but": list(but), "patience": CALLBACK_PATIENCE}
    return await Reader(connection).fetch(Query(RELEASE, which, bool))


BRING_FORWARD = """
    UPDATE delivery.deliveries d SET next_attempt_at = due.at
    FROM (
        SELECT id, CASE WHEN state = 'waiting' OR (
            SELECT medium FROM delivery.attempts WHERE delivery = id ORDER BY attempt DESC LIMIT 1
        ) = ANY(%(without_patience)s::text[]) THEN %(now)s ELSE greatest(%(now)s, changed_at + %(patience)s) END AS at
        FROM delivery.deliveries WHERE lane = %(lane)s AND state IN ('waiting', 'unknown')
        FOR NO KEY UPDATE SKIP LOCKED
    ) due
    WHERE d.id = due.id AND d.next_attempt_at > due.at
"""


async def bring_forward(connection: AsyncConnection, lane: str, now: datetime) -> None:
    """When the lane answers again: rows to be tried again are due at once, or once their patience is over. One that is
    locked is being tried or answered.
    """
    about = {"lane": lane, "now": now, "patience": CALLBACK_PATIENCE, "without_patience": list(WITHOUT_PATIENCE)}
    await Reader(connection).fetch(Query(BRING_FORWARD, about, all_rows))


@dataclass(frozen=True, slots=True)
class Backlog:
    """The rows that wait to be sent: how many, since when the oldest, and when the next is due and free."""

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
