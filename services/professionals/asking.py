"""Whom a telling goes to: asked of the directory this moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.delivery import deputies
from services.delivery.parcel import Parcel, Undeliverable
from services.register.contact import Contact
from services.register.directory import Holder, Question, first_reached, who_holds
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.store.encryption import Keyring
from services.store.pipeline import at_once
from services.store.transaction import Transaction

Address: TypeAlias = Callable[[Contact], str | None]


@dataclass(frozen=True)
class Asking:
    """Asks the directory. The first holder who can be reached so is told: those after the first are deputies. At a later step
    whoever was not reached before, was away or cannot act is passed over for a deputy, where there is one.
    """

    keyring: Keyring
    clocks: Clocks

    async def first(self, transaction: Transaction, parcel: Parcel, address: Address) -> Contact | Undeliverable:
        [found] = await self.first_of_each(transaction, [parcel], address)
        return found

    async def first_of_each(
        self, transaction: Transaction, parcels: Sequence[Parcel], address: Address
    ) -> list[Contact | Undeliverable]:
        """In one round trip."""
        questions = [self._question(each) for each in parcels]
        answers = await at_once(transaction.connection, *(each.statement for each in questions))
        return [
            await self._of_holders(transaction, parcel, question.holders(rows), address)
            for parcel, question, rows in zip(parcels, questions, answers, strict=True)
        ]

    def _question(self, parcel: Parcel) -> Question:
        duty = duty_of(parcel)
        return who_holds(
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=parcel.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )

    async def _of_holders(
        self, transaction: Transaction, parcel: Parcel, holders: Sequence[Holder], address: Address
    ) -> Contact | Undeliverable:
        if not holders:
            return Undeliverable("nobody-in-role", parcel.person)
        duty = duty_of(parcel)
        failed = await deputies.failed(transaction.connection, duty.duty) if duty.step else frozenset()
        willing = [each for each in holders if each.person not in failed] or holders
        return first_reached(self.keyring, willing, address) or Undeliverable("no-address", holders[0].person)


def duty_of(parcel: Parcel) -> Duty:
    if parcel.duty is None:
        raise ValueError("professionals sends tellings of duties alone")
    return parcel.duty
