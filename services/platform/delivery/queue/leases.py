"""Leases rows to the process that sends them: briefly, renewed during a send, released when a process comes back.

The process that holds a row's lease changes its state here, by one statement of the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import AttemptRecord
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue.repository import Lease, decode_delivery, read_names
from services.platform.delivery.retry_policy import CALLBACK_PATIENCE, WITHOUT_PATIENCE, Transition
from services.platform.runtime.logs import logger
from services.platform.store.query import BRIEFLY, Query, Reader, all_rows, first_row, scalar, unnest_rows
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
    which="next_attempt_at <= %(now)s AND lane <> ALL(%(passed_over)s::text[]) "
    "AND (urgent OR lane <> ALL(%(for_urgent)s::text[])) ORDER BY urgent DESC, next_attempt_at"
)
ONE_OF_LANE = CLAIM.format(
    which="lane = %(of_lane)s AND CASE WHEN attempts = 0 THEN next_attempt_at <= %(now)s ELSE NOT %(untried)s END "
    "ORDER BY attempts > 0, CASE WHEN attempts = 0 THEN NOT urgent END, withdrawn_at, changed_at"
)
"""In turns: one whose key is away must not keep the lane from the others. Of those never tried, the urgent ones go
first; of the others, one that is withdrawn.
"""


async def due(
    connection: AsyncConnection,
    lease: Lease,
    *,
    now: datetime,
    passed_over: Sequence[str],
    for_urgent: Sequence[str] = (),
    most: int,
) -> list[LeasedDelivery]:
    """Claims urgent rows first, and of either kind those due longest. `passed_over`: lanes that are full or failing.
    `for_urgent`: those with room for urgent rows alone.
    """
    lanes = {"passed_over": list(passed_over), "for_urgent": list(for_urgent)}
    return await _claimed(connection, DUE, lease, now=now, most=most, **lanes)


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


OPEN = "state IN ('waiting', 'sending', 'unknown')"
BACKLOG = f"SELECT count(*), min(created_at) FROM delivery.deliveries WHERE {OPEN}"  # noqa: S608 this module's own words


def backlog() -> Query[tuple[int, datetime | None]]:
    """How many rows wait to be sent, and since when the oldest. Reads them all."""
    return Query(BACKLOG, {}, first_row)


_NEXT = f"""
    SELECT next_attempt_at FROM delivery.deliveries WHERE {OPEN} AND {{}} AND next_attempt_at > %(now)s
    ORDER BY service, urgent DESC, next_attempt_at LIMIT 1
"""  # noqa: S608 this module's own words
NEXT_AT = f"""
    SELECT least(({_NEXT.format("urgent")}), ({_NEXT.format("NOT urgent")}), (
        SELECT min(lease_until) FROM delivery.deliveries
        WHERE {OPEN} AND next_attempt_at <= %(now)s AND lease_until > %(now)s
    ))
"""  # noqa: S608 this module's own words
"""By `deliveries_in_order`: of rows that are due later it reads one of either kind, however many there are."""


def next_at(now: datetime) -> Query[datetime | None]:
    """When the next row is due, or is free again. `now` is wall time."""
    return Query(NEXT_AT, {"now": now}, scalar)


FIXED = {"recipient": "bytea", "body": "bytea", "number_hash": "bytea", "person": "text", "looked_up": "text"}
"""The columns that the first attempt fixes."""
NOT_FIXED: Mapping[str, Any] = dict.fromkeys(FIXED)
MARK_SENDING = f"""
    UPDATE delivery.deliveries AS kept
    SET state = 'sending', attempts = kept.attempts + 1, changed_at = given.now,
        {", ".join(f"{name} = coalesce(given.{name}, kept.{name})" for name in FIXED)}
    FROM {unnest_rows({"delivery": "uuid", "owner": "text", "now": "timestamptz"} | FIXED)}
    WHERE kept.id = given.delivery AND kept.lease_owner = given.owner AND kept.withdrawn_at IS NULL
        AND kept.state IN ('waiting', 'sending', 'unknown')
    RETURNING kept.id, kept.attempts
"""  # noqa: S608 this module's own words
RECORD_RESULT = """
    WITH logged AS (
        INSERT INTO delivery.attempts
            (delivery, attempt, service, medium, started_at, took_ms, result, status, body_hash)
        VALUES (%(delivery)s, %(attempt)s, %(service)s, %(medium)s, %(started_at)s, %(took_ms)s, %(result)s, %(status)s,
            %(body_hash)s)
    )
    UPDATE delivery.deliveries SET
        state = CASE
            WHEN state NOT IN ('sending', 'unknown') THEN state
            WHEN withdrawn_at IS NOT NULL AND NOT %(may_have_arrived)s THEN 'withdrawn'
            WHEN state = 'unknown' AND %(state)s::text = 'accepted' THEN 'failed'
            ELSE %(state)s::text
        END,
        next_attempt_at = CASE
            WHEN state NOT IN ('sending', 'unknown') THEN next_attempt_at
            WHEN withdrawn_at IS NOT NULL THEN %(now)s
            ELSE %(next_attempt_at)s
        END,
        provider_id = coalesce(%(provider_id)s, provider_id),
        changed_at = %(now)s, lease_owner = NULL, lease_until = NULL, looked_up = NULL
    WHERE id = %(delivery)s AND lease_owner = %(owner)s
    RETURNING state
"""
HELD = "WHERE id = %(delivery)s AND lease_owner = %(owner)s AND state IN ('waiting', 'sending', 'unknown')"
CLOSE = f"""
    WITH held AS (
        SELECT id, looked_up FROM delivery.deliveries {HELD} AND (%(state)s <> 'withdrawn' OR withdrawn_at IS NOT NULL)
        FOR UPDATE
    )
    UPDATE delivery.deliveries AS kept
    SET state = %(state)s, changed_at = %(now)s, lease_owner = NULL, lease_until = NULL, looked_up = NULL
    FROM held WHERE kept.id = held.id RETURNING held.looked_up
"""  # noqa: S608 this module's own words
POSTPONE = f"""
    UPDATE delivery.deliveries SET attempts = %(attempts)s, next_attempt_at = %(until)s, changed_at = %(now)s,
        lease_owner = NULL, lease_until = NULL
    WHERE id = (SELECT id FROM delivery.deliveries {HELD} FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 this module's own words


def mark_sending(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, fixed: Mapping[str, Any]) -> None:
    """Begins an attempt, with the commit. `fixed` are the columns of `FIXED`; None leaves a column as it is.

    Nothing changes if it was withdrawn or answered meanwhile, or another process holds it: `attempts_begun` tells.
    """
    uow.bulk_write(MARK_SENDING, {"delivery": delivery, "owner": owner, "now": now, **fixed}, locks="delivery")


def attempts_begun(uow: UnitOfWork) -> dict[UUID, int]:
    """After the commit: the attempt's number, by delivery, for each that `mark_sending` has marked."""
    return dict(uow.returned.get(MARK_SENDING, ()))


def attempts_recorded(delivery: UUID) -> Query[int]:
    """How many attempts came to a result, whichever."""
    return Query("SELECT count(*) FROM delivery.attempts WHERE delivery = %(id)s", {"id": delivery}, scalar)


def record_result(uow: UnitOfWork, record: AttemptRecord, owner: str, now: datetime, transition: Transition) -> None:
    """Written with the commit, unless the row stays locked. A receipt or acknowledgement that came earlier wins. A
    delivery that was withdrawn meanwhile ends as withdrawn if it cannot have arrived. If it may have, its next attempt
    is due at once, to find out. One that is unknown by now has bounced meanwhile: accepted, it ends as failed.
    """
    uow.write(RECORD_RESULT, _row(record, owner, now, transition))


async def record_final_result(
    uow: UnitOfWork, record: AttemptRecord, owner: str, now: datetime, transition: Transition
) -> str | None:
    """As `record_result`, but at once. Returns the state of the row, or None if another process holds it."""
    _, state = await uow.fetch(BRIEFLY, Query(RECORD_RESULT, _row(record, owner, now, transition), scalar))
    return cast("str | None", state)


def _row(record: AttemptRecord, owner: str, now: datetime, transition: Transition) -> dict[str, Any]:
    request, result = record.request, record.result
    return {
        "delivery": request.id,
        "owner": owner,
        "now": now,
        "may_have_arrived": transition.state in {State.ACCEPTED, State.UNKNOWN},
        "state": transition.state,
        "next_attempt_at": transition.next_attempt_at,
        "provider_id": result.provider_id,
        "attempt": request.attempt,
        "service": record.service,
        "medium": record.medium,
        "started_at": request.now,
        "took_ms": record.took_ms,
        "result": result.result,
        "status": result.status,
        "body_hash": record.body_hash,
    }


async def close(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, state: State) -> tuple[str, ...] | None:
    """Returns the fields of the register that were read for it. The caller puts them on the record: no attempt will.

    None if another process holds it, if it has ended already, or if it is to end as withdrawn and nobody withdrew it.
    """
    closing = {"delivery": delivery, "owner": owner, "now": now, "state": state}
    return await uow.fetch(Query(CLOSE, closing, lambda rows: read_names(rows[0].looked_up) if rows else None))


def postpone(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, until: datetime, attempts: int) -> None:
    """Written with the commit. `attempts` counts this one, whether or not it had begun. The state stays: an attempt
    that had begun may have arrived. A row that is locked waits for the end of its lease instead.
    """
    uow.write(POSTPONE, {"delivery": delivery, "owner": owner, "now": now, "until": until, "attempts": attempts})
