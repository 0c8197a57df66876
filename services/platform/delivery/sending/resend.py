"""Sends a telling once more for an operator: as a delivery of its own, prepared anew, so to its recipient's present address."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.tables import deliveries
from services.platform.messages.envelope import Received
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.identifiers import derived


async def send_again(loop: DeliveryLoop, uow: UnitOfWork, received: Received[DutySendAgain], now: datetime) -> None:
    """Does nothing where this service sent nothing for it, or it was withdrawn. The recipient gets a message with a new id about the
    same duty: an answer to either counts. `now` is wall time.
    """
    asked = received.content
    for first in await _first_deliveries(uow.connection, asked.duty, asked.step):
        name = derived("sent again", str(first.id), str(asked.asked))
        await loop.put(uow, replace(first, id=name, created_at=now))


async def _first_deliveries(connection: AsyncConnection, duty: UUID, step: int) -> list[Delivery]:
    """The first delivery to each person who was told. Where nobody held the role at first, and somebody did when it was sent again,
    that is the person.
    """
    rows = await connection.execute(
        select(deliveries)
        .where(deliveries.c.duty == duty, deliveries.c.step == step)
        .order_by(deliveries.c.created_at, deliveries.c.id)
    )
    first: dict[str | None, Delivery] = {}
    for row in rows.mappings():
        first.setdefault(row["person"], decode_delivery(cast("dict[str, Any]", row)))
    named = [delivery for person, delivery in first.items() if person is not None]
    return named or list(first.values())
