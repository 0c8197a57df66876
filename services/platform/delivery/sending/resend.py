"""An operator asks that a telling be sent once more: as a parcel of its own, prepared anew, so to where its recipient is now."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import parcel_of
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.tables import deliveries
from services.platform.messages.envelope import Received
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.identifiers import derived


async def send_again(loop: DeliveryLoop, uow: UnitOfWork, received: Received[DutySendAgain], now: datetime) -> None:
    """Nothing where this service sent nothing for it, or where it was withdrawn. The recipient sees a message with a new id that
    is about the same duty, so whichever of them they answer counts. `now` is wall time.
    """
    asked = received.content
    for first in await _parcels(uow.connection, asked.duty, asked.step):
        name = derived("sent again", str(first.id), str(asked.asked))
        await loop.put(uow, replace(first, id=name, created_at=now))


async def _parcels(connection: AsyncConnection, duty: UUID, step: int) -> list[Delivery]:
    """The first for each person who was told; what was itself sent again is no other. Where nobody held the role at first, and
    somebody did when it was sent again, that is the person.
    """
    rows = await connection.execute(
        select(deliveries)
        .where(deliveries.c.duty == duty, deliveries.c.step == step)
        .order_by(deliveries.c.created_at, deliveries.c.id)
    )
    first: dict[str | None, Delivery] = {}
    for row in rows.mappings():
        first.setdefault(row["person"], parcel_of(cast("dict[str, Any]", row)))
    named = [delivery for person, delivery in first.items() if person is not None]
    return named or list(first.values())
