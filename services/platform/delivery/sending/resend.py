"""Sends a telling once more for an operator: as a delivery of its own, prepared anew, so to its recipient's present address."""

from dataclasses import replace
from datetime import datetime

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.identifiers import derived

OF_STEP = "SELECT * FROM delivery.deliveries WHERE duty = %(duty)s AND step = %(step)s ORDER BY created_at, id"


async def send_again(loop: DeliveryLoop, uow: UnitOfWork, received: Received[DutySendAgain], now: datetime) -> None:
    """Does nothing where this service sent nothing for it, or it was withdrawn. The recipient gets a message with a new id about the
    same duty: an answer to either counts. `now` is wall time.
    """
    asked = received.content
    for first in await uow.fetch(Query(OF_STEP, {"duty": asked.duty, "step": asked.step}, _first_deliveries)):
        name = derived("sent again", str(first.id), str(asked.asked))
        await loop.put(uow, replace(first, id=name, created_at=now))


def _first_deliveries(rows: Rows) -> list[Delivery]:
    """The first delivery to each person who was told. Where nobody held the role at first, and somebody did when it was sent again,
    that is the person.
    """
    first: dict[str | None, Delivery] = {}
    for row in rows:
        first.setdefault(row.person, decode_delivery(row))
    named = [delivery for person, delivery in first.items() if person is not None]
    return named or list(first.values())
