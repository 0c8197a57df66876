"""Of several messages about one matter to one person, the newest alone is still to be sent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from services.delivery.parcel import State
from services.delivery.tables import deliveries
from services.safeguarding.duties import Duty
from services.store.transaction import Transaction

FREE = {"lease_owner": None, "lease_until": None}


async def supersede(transaction: Transaction, service: str, duty: Duty, *, by: UUID, at: datetime) -> None:
    """What this telling has sent or is to send, but for `by`, is tried no more: a mail that a relay put off would arrive after the
    newer one. What is being sent ends as it ends. `at` is wall time.
    """
    older = (
        deliveries.c.service == service,
        deliveries.c.duty == duty.duty,
        deliveries.c.step == duty.step,
        deliveries.c.id != by,
    )
    for states, ends in (
        ((State.WAITING,), {"state": State.WITHDRAWN} | FREE),
        ((State.SENDING, State.UNKNOWN), {}),
    ):
        await transaction.connection.execute(
            update(deliveries)
            .where(*older, deliveries.c.state.in_(states), deliveries.c.withdrawn_at.is_(None))
            .values(withdrawn_at=at, changed_at=at, **ends)
        )
