"""Hands what one holder of a role was told over to another: by mail, under the same duty and step."""

from dataclasses import dataclass, replace

from services.delivery import deputies, email
from services.delivery.loop import DeliveryLoop
from services.delivery.parcel import Parcel
from services.register import directory
from services.register.contact import Contact
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.identifiers import derived
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Deputies:
    """The minutes to acknowledge run on: a deputy who is silent too is followed by the next step."""

    loop: DeliveryLoop
    keyring: Keyring
    clocks: Clocks

    async def takes_over(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> bool:
        """False where nobody else holds the role now whom a mail reaches and who has not been told."""
        deputy = await self.next(transaction, parcel, duty)
        if deputy is None:
            return False
        name = derived("handed over", str(parcel.id), deputy.person)
        handed = replace(parcel, id=name, person=deputy.person, lane=email.LANE, created_at=self.clocks.wall())
        return await self.loop.put(transaction, handed)

    async def next(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> Contact | None:
        holders = await directory.who_holds(
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=duty.person,
            at=self.clocks.story(),
            placement=duty.placement,
        ).ask(transaction.connection)
        told = await deputies.told(transaction.connection, duty.duty)
        others = [each for each in holders if each.person not in told]
        return directory.first_reached(self.keyring, others, lambda each: each.email)
