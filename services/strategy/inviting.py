"""What a parcel of strategy becomes when it is first sent: for whoever holds the role, of the discussion as it stands this moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery import deputies
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.register import contact, conversation, directory
from services.register.contact import Contact
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.roles import Wording
from services.store.encryption import Keyring
from services.store.transaction import Transaction
from services.strategy import records, store
from services.strategy.letters import Letters, Reader
from services.strategy.policy import Reply
from services.strategy.store import Discussion
from services.strategy.words import Joining


@dataclass(frozen=True)
class Inviting:
    keyring: Keyring
    clocks: Clocks
    letters: Letters

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty = parcel.duty
        if duty is None:
            raise ValueError("strategy sends mails of duties alone")
        found = await self._reader(transaction, parcel, duty)
        if isinstance(found, Undeliverable):
            return found
        reader = Reader((found.email or "").strip(), found.language)
        if duty.wording is Wording.STRATEGY_RECORD:
            about = _known(await records.of_recorder(transaction, duty.duty, duty.step))
            body = self.letters.asks_for_record(about, parcel, duty, reader)
        else:
            about = _known(await store.of_duty(transaction, duty.duty, duty.step))
            store.addressed(transaction, duty, found.person, self.keyring.number_hash(spelt(reader.address)))
            body = await self._about_discussion(transaction, about, parcel, duty, reader)
        return Fixed(reader.address, body, person=found.person, read=("person.email",))

    async def _about_discussion(
        self, transaction: Transaction, about: Discussion, parcel: Parcel, duty: Duty, reader: Reader
    ) -> str:
        if about.state == store.HELD:
            return self.letters.record(about, parcel, duty, reader)
        joining = Joining(*await conversation.joining(transaction.connection, duty.authority))
        return self.letters.invitation(about, parcel, duty, reader, joining)

    async def _reader(self, transaction: Transaction, parcel: Parcel, duty: Duty) -> Contact | Undeliverable:
        holders = await directory.holders(
            transaction.connection,
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=parcel.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )
        if parcel.person is None and duty.step and duty.wording is not Wording.STRATEGY_RECORD:
            holders = await self._not_asked_yet(transaction, duty, holders)
        if not holders:
            return Undeliverable("nobody-in-role", parcel.person)
        return await self._reachable(transaction, holders) or Undeliverable("no-address", holders[0].person)

    async def _not_asked_yet(self, transaction: Transaction, duty: Duty, holders: list[Holder]) -> list[Holder]:
        """At a later step the role's deputies; where there is none, a reminder to whoever has not answered."""
        earlier = await store.of_one_duty(transaction.connection, duty.duty)
        asked = {each.person for each in earlier}
        deputies_left = [each for each in holders if each.person not in asked]
        if deputies_left:
            return deputies_left
        failed = await deputies.failed(transaction.connection, duty.duty)
        waits = {each.person for each in earlier if each.reply in {Reply.WAITING, Reply.COUNTER}} - failed
        return [each for each in holders if each.person in waits]

    async def _reachable(self, transaction: Transaction, holders: Sequence[Holder]) -> Contact | None:
        for holder in holders:
            found = await contact.of(transaction.connection, self.keyring, holder.person)
            if found is not None and found.email is not None:
                return found
        return None


def _known(found: Discussion | None) -> Discussion:
    if found is None:
        raise ValueError("a mail about no discussion")
    return found


def spelt(address: str) -> str:
    """As an address is hashed: mail programs change its case at will."""
    return address.strip().lower()
