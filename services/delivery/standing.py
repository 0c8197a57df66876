"""How a row stands, changed only by the process that holds it. Each function is one statement in the caller's transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, insert, literal, update

from services.delivery.medium import Answer, Sending
from services.delivery.parcel import UNSENT, MediumName, State
from services.delivery.settling import Settled
from services.delivery.tables import attempts, deliveries
from services.store.transaction import Transaction

FREE = {"lease_owner": None, "lease_until": None}


async def begun(
    transaction: Transaction, delivery: UUID, owner: str, now: datetime, sealed: dict[str, Any]
) -> int | None:
    """The attempt's number. The one statement that also asks whether it was withdrawn or answered meanwhile: then None."""
    number: int | None = await transaction.connection.scalar(
        update(deliveries)
        .where(_held(delivery, owner), deliveries.c.withdrawn_at.is_(None))
        .values(state=State.SENDING, attempts=deliveries.c.attempts + 1, changed_at=now, **sealed)
        .returning(deliveries.c.attempts)
    )
    return number


async def settled(
    transaction: Transaction, delivery: UUID, owner: str, now: datetime, answer: Answer, as_: Settled
) -> str | None:
    """The state it has now. A report that overtook the answer, or an acknowledgement, stands; withdrawn meanwhile and not
    taken, it ends so. None: another process holds it.
    """
    withdrawn = and_(deliveries.c.withdrawn_at.is_not(None), literal(as_.state != State.ACCEPTED))
    state = case(
        (deliveries.c.state != State.SENDING, deliveries.c.state),
        (withdrawn, literal(str(State.WITHDRAWN))),
        else_=literal(str(as_.state)),
    )
    stands: str | None = await transaction.connection.scalar(
        update(deliveries)
        .where(deliveries.c.id == delivery, deliveries.c.lease_owner == owner)
        .values(
            state=state,
            next_attempt_at=case(
                (deliveries.c.state == State.SENDING, literal(as_.next_attempt_at)), else_=deliveries.c.next_attempt_at
            ),
            provider_id=func.coalesce(answer.provider_id, deliveries.c.provider_id),
            changed_at=now,
            **FREE,
        )
        .returning(deliveries.c.state)
    )
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


async def logged(
    transaction: Transaction,
    service: str,
    medium: MediumName,
    sending: Sending,
    answer: Answer,
    took_ms: int,
    body_hash: bytes,
) -> None:
    row = {
        "delivery": sending.id,
        "attempt": sending.attempt,
        "service": service,
        "medium": medium,
        "started_at": sending.now,
        "took_ms": took_ms,
        "result": answer.result,
        "status": answer.status,
        "body_hash": body_hash,
    }
    await transaction.connection.execute(insert(attempts).values(row))


def _held(delivery: UUID, owner: str) -> Any:
    return and_(deliveries.c.id == delivery, deliveries.c.lease_owner == owner, deliveries.c.state.in_(UNSENT))
