"""Hands what one holder of a role was told over to another: by mail, under the same duty and step."""

from dataclasses import dataclass, replace

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register import directory
from services.platform.register.contact import Contact
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived


@dataclass(frozen=True)
class Deputies:
    """The minutes to acknowledge run on: a deputy who is silent too is followed by the next step."""

    loop: DeliveryLoop
    keyring: Keyring
    clocks: Clocks

    async def takes_over(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> bool:
        """False where nobody else holds the role now whom a mail reaches and who has not been told."""
        deputy = await self.next(uow, delivery, duty)
        if deputy is None:
            return False
        name = derived("handed over", str(delivery.id), deputy.person)
        handed = replace(delivery, id=name, person=deputy.person, lane=email.LANE, created_at=self.clocks.wall())
        return await self.loop.put(uow, handed)

    async def next(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> Contact | None:
        holders = await directory.who_holds(
            duty.role,
            authority=duty.authority,
            child=delivery.child,
            person=duty.person,
            at=self.clocks.story(),
            placement=duty.placement,
        ).ask(uow.connection)
        told = await deliveries.people_told(uow.connection, duty.duty)
        others = [each for each in holders if each.person not in told]
        return directory.first_reached(self.keyring, others, lambda each: each.email)
