"""Prepares an alert to a carer for its first send: its words, and the number that it goes to."""

from services.carers import messages
from services.carers.store import claims
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.register.people.contact import contact_by_person
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.roles import Wording

MOBILE = "people.mobile"


class Alerts:
    def __init__(self, keyring: Keyring, clocks: Clocks) -> None:
        self._keyring, self._clocks = keyring, clocks

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        """Not called for replies, whose number and words are there from the start."""
        if delivery.duty is None or delivery.person is None:
            return Undeliverable("nobody-in-role")
        found = await uow.fetch(contact_by_person(self._keyring, delivery.person))
        if found is None or found.mobile is None:
            return Undeliverable("no-address", delivery.person).having_read(MOBILE)
        confirm = None
        if delivery.duty.wording is Wording("confirm-return"):
            numbers = self._keyring.number_hashes(found.mobile)
            confirm = await claims.prolong(uow, numbers, delivery.child, self._clocks.story())
        body = messages.write_alert(
            delivery.duty.wording, found.language, delivery.code, exercise=delivery.exercise, confirm=confirm
        )
        return PreparedMessage(found.mobile, body, delivery.person, (MOBILE,), number=found.mobile)
