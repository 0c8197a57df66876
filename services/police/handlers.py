"""Handles `police.notify` duties: queues or withdraws their notices, and sends them again."""

from dataclasses import dataclass

from services.platform.delivery.model import Delivery
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.police import store
from services.police.notices.sender import lane_of
from services.safeguarding.duty.duties import PoliceNotify


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks

    async def on_police_notify(self, received: Received[PoliceNotify], uow: UnitOfWork) -> None:
        duty = received.content
        if duty.act == "withdraw":
            await self.loop.withdraw(uow, received)
        else:
            delivery = Delivery.of(received, lane=lane_of(duty.force), now=self.clocks.wall())
            if await self.loop.put(uow, delivery):
                store.record_told(uow, duty, received.subject, exercise=received.exercise)
