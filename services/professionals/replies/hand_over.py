"""Hands a message over from one holder of a role to another: by mail, under the same duty and step."""

from dataclasses import dataclass, replace

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register.directory import Contact, duty_holders, first_reachable
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived


@dataclass(frozen=True)
class Deputies:
    """The time to acknowledge runs on: if the deputy is silent too, the next step follows."""

    loop: DeliveryLoop
    keyring: Keyring
    clocks: Clocks

    async def hand_over(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> bool:
        """False if there is nobody to hand it to."""
        deputy = await self.find_next(uow, delivery, duty)
        if deputy is None:
            return False
        name = derived("handed over", str(delivery.id), deputy.person)
        handed = replace(delivery, id=name, person=deputy.person, lane=email.LANE, created_at=self.clocks.wall())
        return await self.loop.put(uow, handed)

    async def find_next(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> Contact | None:
        """Another holder of the role who has a mail address and has not been told."""
        holders = await uow.fetch(duty_holders(duty, child=delivery.child, person=duty.person, at=self.clocks.story()))
        told = await deliveries.people_told(uow, duty.duty)
        others = [each for each in holders if each.person not in told]
        return first_reachable(self.keyring, others, lambda each: each.email)
