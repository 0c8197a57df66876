"""How a row stands, changed only by the process that holds it. Each function is one statement in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Text, and_, bindparam, case, func, insert, update

from services.delivery.medium import Answer, Sending
from services.delivery.parcel import UNSENT, MediumName, State
from services.delivery.settling import Settled
from services.delivery.tables import attempts, deliveries
from services.store.transaction import Transaction

FREE = {"lease_owner": None, "lease_until": None}


def _held(delivery: Any, owner: Any) -> Any:
    return and_(deliveries.c.id == delivery, deliveries.c.lease_owner == owner, deliveries.c.state.in_(UNSENT))


def _begun(*sealed: str) -> Any:
    """`sealed`: the columns that the first attempt fixes."""
    return (
        update(deliveries)
        .where(_held(bindparam("delivery"), bindparam("owner")), deliveries.c.withdrawn_at.is_(None))
        .values(
            state=State.SENDING,
            attempts=deliveries.c.attempts + 1,
            changed_at=bindparam("now"),
            **{name: bindparam(f"sealed_{name}", type_=deliveries.c[name].type) for name in sealed},
        )
        .returning(deliveries.c.attempts)
    )


def _settled() -> Any:
    """Logs the attempt and changes the row, in one round trip."""
    sending = deliveries.c.state == State.SENDING
    withdrawn = and_(deliveries.c.withdrawn_at.is_not(None), bindparam("taken", type_=Boolean).is_(False))
    log = insert(attempts).values({each.name: bindparam(f"log_{each.name}", type_=each.type) for each in attempts.c})
    state = case(
        (~sending, deliveries.c.state), (withdrawn, str(State.WITHDRAWN)), else_=bindparam("state", type_=Text)
    )
    next_attempt_at = bindparam("next_attempt_at", type_=deliveries.c.next_attempt_at.type)
    return (
        update(deliveries)
        .add_cte(log.cte("logged"))
        .where(deliveries.c.id == bindparam("delivery"), deliveries.c.lease_owner == bindparam("owner"))
        .values(
            state=state,
            next_attempt_at=case((sending, next_attempt_at), else_=deliveries.c.next_attempt_at),
            provider_id=func.coalesce(bindparam("provider_id", type_=Text), deliveries.c.provider_id),
            changed_at=bindparam("now"),
            **FREE,
        )
        .returning(deliveries.c.state)
    )


SEALED = ("recipient", "body", "number_hash", "person")
BEGUN, BEGUN_SEALED, SETTLED = _begun(), _begun(*SEALED), _settled()
"""Built once: at every attempt they are only filled in."""


async def begun(
    transaction: Transaction, delivery: UUID, owner: str, now: datetime, sealed: dict[str, Any]
) -> int | None:
    """The attempt's number. The one statement that also asks whether it was withdrawn or answered meanwhile: then None."""
    filled = {"delivery": delivery, "owner": owner, "now": now} | {f"sealed_{name}": sealed[name] for name in sealed}
    number: int | None = await transaction.connection.scalar(BEGUN_SEALED if sealed else BEGUN, filled)
    return number


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt that was made, for the log."""

    service: str
    medium: MediumName
    sending: Sending
    answer: Answer
    took_ms: int
    body_hash: bytes


async def settled(transaction: Transaction, made: Made, owner: str, now: datetime, as_: Settled) -> str | None:
    """The state it has now. A report that overtook the answer, or an acknowledgement, stands; withdrawn meanwhile and not
    taken, it ends so. None: another process holds it.
    """
    sending, answer = made.sending, made.answer
    filled = {
        "delivery": sending.id,
        "owner": owner,
        "now": now,
        "taken": as_.state == State.ACCEPTED,
        "state": as_.state,
        "next_attempt_at": as_.next_attempt_at,
        "provider_id": answer.provider_id,
        "log_delivery": sending.id,
        "log_attempt": sending.attempt,
        "log_service": made.service,
        "log_medium": made.medium,
        "log_started_at": sending.now,
        "log_took_ms": made.took_ms,
        "log_result": answer.result,
        "log_status": answer.status,
        "log_body_hash": made.body_hash,
    }
    stands: str | None = await transaction.connection.scalar(SETTLED, filled)
    return stands


async def ended(transaction: Transaction, delivery: UUID, owner: str, now: datetime, state: State) -> bool:
    """False where another process holds it, or it has ended already."""
    found = await transaction.connection.execute(
        update(deliveries)
        .where(_held(delivery, owner))
        .values(state=state, changed_at=now, **FREE)
        .returning(deliveries.c.id)
    )
    return found.first() is not None


async def postponed(transaction: Transaction, delivery: UUID, owner: str, now: datetime, until: datetime) -> None:
    await transaction.connection.execute(
        update(deliveries)
        .where(_held(delivery, owner))
        .values(attempts=deliveries.c.attempts + 1, next_attempt_at=until, changed_at=now, **FREE)
    )
