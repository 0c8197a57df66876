"""`professional.notify` duties: queued, or withdrawn; and what people answered."""

from dataclasses import dataclass

from services.bus.envelope import Received
from services.delivery import email, text
from services.delivery.loop import DeliveryLoop
from services.delivery.parcel import Parcel
from services.delivery.sending_again import send_again
from services.runtime.clocks import Clocks
from services.safeguarding.duties import DutySendAgain, ProfessionalNotify
from services.safeguarding.outcomes import DutyAcknowledged
from services.safeguarding.roles import Channel
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks

    async def on_professional_notify(self, received: Received[ProfessionalNotify], transaction: Transaction) -> None:
        if received.content.act == "withdraw":
            await self.loop.withdraw(transaction, received)
        else:
            lane = email.LANE if received.content.channel is Channel.EMAIL else text.LANE
            await self.loop.put(transaction, Parcel.of(received, lane=lane, now=self.clocks.wall()))

    async def on_duty_send_again(self, received: Received[DutySendAgain], transaction: Transaction) -> None:
        await send_again(self.loop, transaction, received, self.clocks.wall())

    async def on_duty_acknowledged(self, received: Received[DutyAcknowledged], transaction: Transaction) -> None:
        await self.loop.acknowledged(transaction, received.content.duty, received.content.step)
