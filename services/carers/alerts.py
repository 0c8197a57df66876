"""What an alert to a carer says, and to which number it goes: asked once, when it is first sent."""

from services.carers import messages
from services.carers.store import claims
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.register import contact
from services.runtime.clocks import Clocks
from services.safeguarding.roles import Wording
from services.store.encryption import Keyring
from services.store.transaction import Transaction


class Alerts:
    def __init__(self, keyring: Keyring, clocks: Clocks) -> None:
        self._keyring = keyring
        self._clocks = clocks

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        """Replies come with number and body and are never asked for here."""
        if parcel.duty is None or parcel.person is None:
            return Undeliverable("nobody-in-role")
        found = await contact.of(transaction.connection, self._keyring, parcel.person)
        if found is None or found.mobile is None:
            return Undeliverable("no-address", parcel.person)
        confirm = None
        if parcel.duty.wording is Wording.CONFIRM_RETURN:
            numbers = self._keyring.number_hashes(found.mobile)
            confirm = await claims.prolong(transaction, numbers, parcel.child, self._clocks.story())
        body = messages.alert(
            parcel.duty.wording, found.language, parcel.code, exercise=parcel.exercise, confirm=confirm
        )
        return Fixed(found.mobile, body, parcel.person, ("people.mobile",), number=found.mobile)
