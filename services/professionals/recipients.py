"""Finds the person to whom a message goes: asks the directory when it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.platform.delivery.model import Delivery, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.register.directory import Contact, Holder, duty_holders, first_reachable
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty

Address: TypeAlias = Callable[[Contact], str | None]


@dataclass(frozen=True)
class RecipientLookup:
    """Finds the first holder of the role who has an address. Those after the first are deputies: at a later step, one
    takes the place of a person who was not reached, was away or cannot act.
    """

    keyring: Keyring
    clocks: Clocks

    async def find(self, uow: UnitOfWork, delivery: Delivery, address: Address) -> Contact | Undeliverable:
        [found] = await self.find_each(uow, [delivery], address)
        return found

    async def find_each(
        self, uow: UnitOfWork, several: Sequence[Delivery], address: Address
    ) -> list[Contact | Undeliverable]:
        """In one round trip."""
        now = self.clocks.story()
        holders = await uow.fetch_each(
            [duty_holders(duty_of(each), child=each.child, person=each.person, at=now) for each in several]
        )
        return [
            await self._choose(uow, delivery, of_role, address)
            for delivery, of_role in zip(several, holders, strict=True)
        ]

    async def _choose(
        self, uow: UnitOfWork, delivery: Delivery, holders: Sequence[Holder], address: Address
    ) -> Contact | Undeliverable:
        if not holders:
            return Undeliverable("nobody-in-role", delivery.person)
        duty = duty_of(delivery)
        failed = await deliveries.people_not_reached(uow, duty.duty) if duty.step else frozenset()
        willing = [each for each in holders if each.person not in failed] or holders
        return first_reachable(self.keyring, willing, address) or Undeliverable("no-address", holders[0].person)


def duty_of(delivery: Delivery) -> Duty:
    if delivery.duty is None:
        raise ValueError("professionals sends messages of duties alone")
    return delivery.duty
