"""Whom a telling goes to: asked of the directory this moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.delivery import deputies
from services.delivery.parcel import Parcel, Undeliverable
from services.register import contact, directory
from services.register.contact import Contact
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Asking:
    """Asks the directory. The first holder who can be reached so is told: those after the first are deputies. At a later step
    whoever was not reached before, was away or cannot act is passed over for a deputy, where there is one.
    """

    keyring: Keyring
    clocks: Clocks

    async def first(
        self, transaction: Transaction, parcel: Parcel, duty: Duty, address: Callable[[Contact], str | None]
    ) -> Contact | Undeliverable:
        holders = await directory.holders(
            transaction.connection,
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=parcel.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )
        if not holders:
            return Undeliverable("nobody-in-role", parcel.person)
        failed = await deputies.failed(transaction.connection, duty.duty) if duty.step else frozenset()
        willing = [each for each in holders if each.person not in failed] or holders
        return await self._reachable(transaction, willing, address) or Undeliverable("no-address", holders[0].person)

    async def _reachable(
        self, transaction: Transaction, holders: Sequence[Holder], address: Callable[[Contact], str | None]
    ) -> Contact | None:
        for holder in holders:
            found = await contact.of(transaction.connection, self.keyring, holder.person)
            if found is not None and address(found) is not None:
                return found
        return None


def duty_of(parcel: Parcel) -> Duty:
    if parcel.duty is None:
        raise ValueError("professionals sends tellings of duties alone")
    return parcel.duty
