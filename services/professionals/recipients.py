"""Finds the person to whom a message goes: asks the directory when it is sent.

A message is handed over from one holder of a role to another by mail, under the same duty and step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register.directory import Contact, Holder, duty_holders, first_reachable
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import derived
from services.safeguarding.roles import ROLES, Channel

Address: TypeAlias = Callable[[Contact], str | None]


@dataclass(frozen=True)
class RecipientLookup:
    """Finds the first holder of the role who has an address. Those after the first are deputies: at a later step, one
    takes the place of a person who was not reached, was away or cannot act. Off duty is not nobody: a mail that can
    wait lies until the holder's hours.
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
        holders = await uow.fetch_each([self._of_role(each, duty_of(each)) for each in several])
        return [
            await self._choose(uow, delivery, of_role, address)
            for delivery, of_role in zip(several, holders, strict=True)
        ]

    def _of_role(self, each: Delivery, duty: Duty) -> Query[list[Holder]]:
        return duty_holders(duty, child=each.child, person=each.person, at=self.clocks.story(), to_come=_may_lie(duty))

    async def _choose(
        self, uow: UnitOfWork, delivery: Delivery, holders: Sequence[Holder], address: Address
    ) -> Contact | Undeliverable:
        if not holders:
            return Undeliverable("nobody-in-role", delivery.person)
        duty = duty_of(delivery)
        failed = await deliveries.people_not_reached(uow, duty.duty) if duty.step else frozenset()
        willing = [each for each in holders if each.person not in failed] or holders
        return first_reachable(self.keyring, willing, address) or Undeliverable("no-address", holders[0].person)


def _may_lie(duty: Duty) -> bool:
    is_workers = ROLES[duty.role].of == "workers" and not duty.role.startswith("police.")
    return is_workers and duty.channel is Channel.EMAIL and not duty.urgent


def duty_of(delivery: Delivery) -> Duty:
    if delivery.duty is None:
        raise ValueError("professionals sends messages of duties alone")
    return delivery.duty


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
