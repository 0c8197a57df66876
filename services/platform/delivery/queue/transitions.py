"""Changes a row's state for the process that holds its lease, by one statement of the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from services.platform.delivery.channels.channel import AttemptRecord
from services.platform.delivery.model import State
from services.platform.delivery.queue.repository import read_names
from services.platform.delivery.retry_policy import Transition
from services.platform.store.query import BRIEFLY, Query, scalar, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork

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
