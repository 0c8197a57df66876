"""How a row stands, changed only by the process that holds it. Each function is one statement in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import MediumName, State
from services.platform.delivery.retry_policy import Transition
from services.platform.store.query import execute_pipelined, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork

HELD = "WHERE id = %(delivery)s AND lease_owner = %(owner)s AND state IN ('waiting', 'sending', 'unknown')"
BEGIN = f"""
    UPDATE delivery.deliveries SET state = 'sending', attempts = attempts + 1, changed_at = %(now)s {{sealed}}
    {HELD} AND withdrawn_at IS NULL
    RETURNING attempts
"""  # noqa: S608 this module's own words
BEGUN = BEGIN.format(sealed="")
BEGUN_SEALED = BEGIN.format(
    sealed=", recipient = %(recipient)s, body = %(body)s, number_hash = %(number_hash)s, person = %(person)s"
)
SEALED = {"recipient": "bytea", "body": "bytea", "number_hash": "bytea", "person": "text"}
BEGIN_WHERE_PUT = """
    UPDATE delivery.deliveries AS put SET state = 'sending', attempts = 1, changed_at = given.now {sealed}
    FROM {given}
    WHERE put.id = given.delivery AND put.lease_owner = given.owner AND put.state = 'waiting'
    RETURNING put.id
"""
OF_ATTEMPT = {"delivery": "uuid", "owner": "text", "now": "timestamptz"}
BEGUN_WHERE_PUT = BEGIN_WHERE_PUT.format(sealed="", given=unnest_rows(OF_ATTEMPT))
BEGUN_WHERE_PUT_SEALED = BEGIN_WHERE_PUT.format(
    sealed="".join(f", {name} = given.{name}" for name in SEALED), given=unnest_rows(OF_ATTEMPT | SEALED)
)
SETTLED = """
    WITH logged AS (
        INSERT INTO delivery.attempts
            (delivery, attempt, service, medium, started_at, took_ms, result, status, body_hash)
        VALUES (%(delivery)s, %(attempt)s, %(service)s, %(medium)s, %(started_at)s, %(took_ms)s, %(result)s, %(status)s,
            %(body_hash)s)
    )
    UPDATE delivery.deliveries SET
        state = CASE
            WHEN state <> 'sending' THEN state
            WHEN withdrawn_at IS NOT NULL AND NOT %(may_have_arrived)s THEN 'withdrawn'
            ELSE %(state)s::text
        END,
        next_attempt_at = CASE
            WHEN state <> 'sending' THEN next_attempt_at
            WHEN withdrawn_at IS NOT NULL THEN %(now)s
            ELSE %(next_attempt_at)s
        END,
        provider_id = coalesce(%(provider_id)s, provider_id),
        changed_at = %(now)s, lease_owner = NULL, lease_until = NULL
    WHERE id = %(delivery)s AND lease_owner = %(owner)s
    RETURNING state
"""


async def begun(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, sealed: dict[str, Any]) -> int | None:
    """The attempt's number; the transaction is over then. The one statement that also asks whether it was withdrawn or
    answered meanwhile: then None. `sealed`: the columns that the first attempt fixes.
    """
    filled = {"delivery": delivery, "owner": owner, "now": now} | sealed
    numbers = await uow.commit_returning(BEGUN_SEALED if sealed else BEGUN, filled)
    return numbers[0][0] if numbers else None


def begun_where_put(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, sealed: dict[str, Any]) -> None:
    """The same with the commit of the transaction that puts the row: nobody else sees it before. Whether it holds says
    `has_begun` then, since that transaction may withdraw it, too.
    """
    began = {"delivery": delivery, "owner": owner, "now": now} | sealed
    uow.bulk_write(BEGUN_WHERE_PUT_SEALED if sealed else BEGUN_WHERE_PUT, began)


def has_begun(uow: UnitOfWork, delivery: UUID) -> bool:
    begun = (uow.returned.get(each, ()) for each in (BEGUN_WHERE_PUT, BEGUN_WHERE_PUT_SEALED))
    return any((delivery,) in each for each in begun)


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt that was made, for the log."""

    service: str
    medium: MediumName
    sending: SendRequest
    answer: SendResult
    took_ms: int
    body_hash: bytes


async def settled(uow: UnitOfWork, made: Made, owner: str, now: datetime, as_: Transition) -> str | None:
    """The state it has now. A report that overtook the answer, or an acknowledgement, stands; withdrawn meanwhile and surely not
    taken, it ends so. (Of what may have been taken the next attempt, due at once, finds that it is withdrawn, and tells of it.) None:
    another process holds it.
    """
    [stands] = await execute_pipelined(uow.connection, (SETTLED, _filled(made, owner, now, as_)))
    return stands[0][0] if stands else None


def settled_last(uow: UnitOfWork, made: Made, owner: str, now: datetime, as_: Transition) -> None:
    """The same with the commit, for who need not know the state it has then."""
    uow.write(SETTLED, _filled(made, owner, now, as_))


def _filled(made: Made, owner: str, now: datetime, as_: Transition) -> dict[str, Any]:
    sending, answer = made.sending, made.answer
    return {
        "delivery": sending.id,
        "owner": owner,
        "now": now,
        "may_have_arrived": as_.state in {State.ACCEPTED, State.UNKNOWN},
        "state": as_.state,
        "next_attempt_at": as_.next_attempt_at,
        "provider_id": answer.provider_id,
        "attempt": sending.attempt,
        "service": made.service,
        "medium": made.medium,
        "started_at": sending.now,
        "took_ms": made.took_ms,
        "result": answer.result,
        "status": answer.status,
        "body_hash": made.body_hash,
    }


ENDED = f"""
    UPDATE delivery.deliveries SET state = %(state)s, changed_at = %(now)s, lease_owner = NULL, lease_until = NULL
    {HELD} RETURNING id
"""  # noqa: S608 this module's own words
POSTPONED = f"""
    UPDATE delivery.deliveries SET attempts = %(attempts)s, next_attempt_at = %(until)s, changed_at = %(now)s,
        lease_owner = NULL, lease_until = NULL
    {HELD}
"""  # noqa: S608 this module's own words


async def ended(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, state: State) -> bool:
    """False where another process holds it, or it has ended already."""
    how = {"delivery": delivery, "owner": owner, "now": now, "state": state}
    [found] = await execute_pipelined(uow.connection, (ENDED, how))
    return bool(found)


async def postponed(uow: UnitOfWork, delivery: UUID, owner: str, now: datetime, until: datetime, attempts: int) -> None:
    """`attempts`: with this one, whether or not it had begun. One that had may have arrived, and stays so."""
    how = {"delivery": delivery, "owner": owner, "now": now, "until": until, "attempts": attempts}
    await execute_pipelined(uow.connection, (POSTPONED, how))
