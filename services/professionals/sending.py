"""What a parcel to a professional becomes when it is first sent: who holds the role this moment, and the text."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.professionals.texts import write
from services.register import contact, directory
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class TextSender:
    keyring: Keyring
    clocks: Clocks

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        """The first holder who has a mobile: those after the first are deputies. If the text fails, the protocol goes on."""
        duty = parcel.duty
        if duty is None:
            raise ValueError("professionals sends tellings of duties alone")
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
        return await self._to_first_reachable(transaction, parcel, holders)

    async def _to_first_reachable(
        self, transaction: Transaction, parcel: Parcel, holders: Sequence[Holder]
    ) -> Fixed | Undeliverable:
        for holder in holders:
            found = await contact.of(transaction.connection, self.keyring, holder.person)
            if found is not None and found.mobile is not None and parcel.duty is not None:
                body = write(parcel.duty.wording, found.language, parcel.code, exercise=parcel.exercise)
                return Fixed(
                    recipient=found.mobile, body=body, person=found.person, read=("person.mobile",), number=found.mobile
                )
        return Undeliverable("no-address", holders[0].person)
