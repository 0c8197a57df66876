"""What a parcel of strategy becomes when it is first sent: for whoever holds the role, of the discussion as it stands this moment."""

from dataclasses import dataclass, field

from cachetools import TTLCache

from services.delivery import deputies
from services.delivery.mail_in import spelt
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.register import conversation
from services.register.cache import new_cache
from services.register.contact import Contact
from services.register.directory import Holder, first_reached, who_holds
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.roles import Wording
from services.store.encryption import Keyring
from services.store.pipeline import at_once
from services.store.transaction import Transaction
from services.strategy import invited, records, store
from services.strategy.letters import Letters, Reader
from services.strategy.policy import Reply
from services.strategy.store import Discussion
from services.strategy.words import Joining


@dataclass(frozen=True)
class Inviting:
    keyring: Keyring
    clocks: Clocks
    letters: Letters
    joining: TTLCache[AuthorityId, Joining] = field(default_factory=new_cache)

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty = parcel.duty
        if duty is None:
            raise ValueError("strategy sends mails of duties alone")
        about, holders = await self._asked(transaction, parcel, duty)
        found = await self._reader(transaction, parcel, duty, holders)
        if isinstance(found, Undeliverable):
            return found
        reader = Reader((found.email or "").strip(), found.language)
        if duty.wording is Wording.STRATEGY_RECORD:
            body = self.letters.asks_for_record(_known(about), parcel, duty, reader)
        else:
            invited.addressed(transaction, duty, found.person, self.keyring.number_hash(spelt(reader.address)))
            body = await self._about_discussion(transaction, _known(about), parcel, duty, reader)
        return Fixed(reader.address, body, person=found.person, read=("person.email",))

    async def _asked(
        self, transaction: Transaction, parcel: Parcel, duty: Duty
    ) -> tuple[Discussion | None, list[Holder]]:
        """The discussion, which nobody else changes from here on, and who holds the role, in one round trip."""
        question = who_holds(
            duty.role,
            authority=duty.authority,
            child=parcel.child,
            person=parcel.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )
        of = records.OF_RECORDER if duty.wording is Wording.STRATEGY_RECORD else store.OF_DUTY
        told = {"duty": duty.duty, "step": duty.step}
        about, rows = await at_once(transaction.connection, (of, told), question.statement)
        return store.discussion_of(about[0]) if about else None, question.holders(rows)

    async def _about_discussion(
        self, transaction: Transaction, about: Discussion, parcel: Parcel, duty: Duty, reader: Reader
    ) -> str:
        if about.state == store.HELD:
            return self.letters.record(about, parcel, duty, reader)
        joining = self.joining.get(duty.authority)
        if joining is None:
            joining = Joining(*await conversation.joining(transaction.connection, duty.authority))
            self.joining[duty.authority] = joining
        return self.letters.invitation(about, parcel, duty, reader, joining)

    async def _reader(
        self, transaction: Transaction, parcel: Parcel, duty: Duty, holders: list[Holder]
    ) -> Contact | Undeliverable:
        if parcel.person is None and duty.step and duty.wording is not Wording.STRATEGY_RECORD:
            holders = await self._not_asked_yet(transaction, duty, holders)
        if not holders:
            return Undeliverable("nobody-in-role", parcel.person)
        reached = first_reached(self.keyring, holders, lambda each: each.email)
        return reached or Undeliverable("no-address", holders[0].person)

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


def _known(found: Discussion | None) -> Discussion:
    if found is None:
        raise ValueError("a mail about no discussion")
    return found
