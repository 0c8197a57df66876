"""`police.notify` duties: queued, or withdrawn."""

from dataclasses import dataclass

from services.bus.envelope import Received
from services.delivery.loop import DeliveryLoop
from services.delivery.parcel import Parcel
from services.delivery.sending_again import send_again
from services.police import store
from services.police.sending import lane_of
from services.runtime.clocks import Clocks
from services.safeguarding.duties import DutySendAgain, PoliceNotify
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks

    async def on_duty_send_again(self, received: Received[DutySendAgain], transaction: Transaction) -> None:
        await send_again(self.loop, transaction, received, self.clocks.wall())

    async def on_police_notify(self, received: Received[PoliceNotify], transaction: Transaction) -> None:
        duty = received.content
        if duty.act == "withdraw":
            await self.loop.withdraw(transaction, received)
        else:
            parcel = Parcel.of(received, lane=lane_of(duty.force), now=self.clocks.wall())
            if await self.loop.put(transaction, parcel):
                store.told(transaction, duty, received.subject, exercise=received.exercise)
