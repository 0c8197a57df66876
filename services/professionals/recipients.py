"""Whom a telling goes to: asked of the directory this moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.platform.delivery.model import Delivery, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.register.contact import Contact
from services.platform.register.directory import Holder, Question, first_reached, who_holds
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty

Address: TypeAlias = Callable[[Contact], str | None]


@dataclass(frozen=True)
class RecipientLookup:
    """Asks the directory. The first holder who can be reached so is told: those after the first are deputies. At a later step
    whoever was not reached before, was away or cannot act is passed over for a deputy, where there is one.
    """

    keyring: Keyring
    clocks: Clocks

    async def first(self, uow: UnitOfWork, delivery: Delivery, address: Address) -> Contact | Undeliverable:
        [found] = await self.first_of_each(uow, [delivery], address)
        return found

    async def first_of_each(
        self, uow: UnitOfWork, parcels: Sequence[Delivery], address: Address
    ) -> list[Contact | Undeliverable]:
        """In one round trip."""
        questions = [self._question(each) for each in parcels]
        answers = await execute_pipelined(uow.connection, *(each.statement for each in questions))
        return [
            await self._of_holders(uow, delivery, question.holders(rows), address)
            for delivery, question, rows in zip(parcels, questions, answers, strict=True)
        ]

    def _question(self, delivery: Delivery) -> Question:
        duty = duty_of(delivery)
        return who_holds(
            duty.role,
            authority=duty.authority,
            child=delivery.child,
            person=delivery.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )

    async def _of_holders(
        self, uow: UnitOfWork, delivery: Delivery, holders: Sequence[Holder], address: Address
    ) -> Contact | Undeliverable:
        if not holders:
            return Undeliverable("nobody-in-role", delivery.person)
        duty = duty_of(delivery)
        failed = await deliveries.people_not_reached(uow.connection, duty.duty) if duty.step else frozenset()
        willing = [each for each in holders if each.person not in failed] or holders
        return first_reached(self.keyring, willing, address) or Undeliverable("no-address", holders[0].person)


def duty_of(delivery: Delivery) -> Duty:
    if delivery.duty is None:
        raise ValueError("professionals sends tellings of duties alone")
    return delivery.duty
