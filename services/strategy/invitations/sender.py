"""What a parcel of strategy becomes when it is first sent: for whoever holds the role, of the discussion as it stands this moment."""

from dataclasses import dataclass, field

from cachetools import TTLCache

from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import conversation
from services.platform.register.cache import new_cache
from services.platform.register.contact import Contact
from services.platform.register.directory import Holder, first_reached, who_holds
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.roles import Wording
from services.strategy.discussions import attendees
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import Discussion
from services.strategy.invitations.letters import Letters, Reader
from services.strategy.records import repository as records
from services.strategy.wording import Joining


@dataclass(frozen=True)
class InvitationSender:
    keyring: Keyring
    clocks: Clocks
    letters: Letters
    joining: TTLCache[AuthorityId, Joining] = field(default_factory=new_cache)

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        duty = delivery.duty
        if duty is None:
            raise ValueError("strategy sends mails of duties alone")
        about, holders = await self._asked(uow, delivery, duty)
        found = await self._reader(uow, delivery, duty, holders)
        if isinstance(found, Undeliverable):
            return found
        reader = Reader((found.email or "").strip(), found.language)
        if duty.wording is Wording.STRATEGY_RECORD:
            body = self.letters.asks_for_record(_known(about), delivery, duty, reader)
        else:
            attendees.addressed(uow, duty, found.person, self.keyring.number_hash(spelt(reader.address)))
            body = await self._about_discussion(uow, _known(about), delivery, duty, reader)
        return PreparedMessage(reader.address, body, person=found.person, read=("person.email",))

    async def _asked(self, uow: UnitOfWork, delivery: Delivery, duty: Duty) -> tuple[Discussion | None, list[Holder]]:
        """The discussion, which nobody else changes from here on, and who holds the role, in one round trip."""
        question = who_holds(
            duty.role,
            authority=duty.authority,
            child=delivery.child,
            person=delivery.person,
            at=self.clocks.story(),
            placement=duty.placement,
        )
        of = records.OF_RECORDER if duty.wording is Wording.STRATEGY_RECORD else discussions.OF_DUTY
        told = {"duty": duty.duty, "step": duty.step}
        about, rows = await execute_pipelined(uow.connection, (of, told), question.statement)
        return discussions.discussion_of(about[0]) if about else None, question.holders(rows)

    async def _about_discussion(
        self, uow: UnitOfWork, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader
    ) -> str:
        if about.state == discussions.HELD:
            return self.letters.record(about, delivery, duty, reader)
        joining = self.joining.get(duty.authority)
        if joining is None:
            joining = Joining(*await uow.fetch(conversation.how_to_join(duty.authority)))
            self.joining[duty.authority] = joining
        return self.letters.invitation(about, delivery, duty, reader, joining)

    async def _reader(
        self, uow: UnitOfWork, delivery: Delivery, duty: Duty, holders: list[Holder]
    ) -> Contact | Undeliverable:
        if delivery.person is None and duty.step and duty.wording is not Wording.STRATEGY_RECORD:
            holders = await self._not_asked_yet(uow, duty, holders)
        if not holders:
            return Undeliverable("nobody-in-role", delivery.person)
        reached = first_reached(self.keyring, holders, lambda each: each.email)
        return reached or Undeliverable("no-address", holders[0].person)

    async def _not_asked_yet(self, uow: UnitOfWork, duty: Duty, holders: list[Holder]) -> list[Holder]:
        """At a later step the role's deputies; where there is none, a reminder to whoever has not answered."""
        earlier = await discussions.of_one_duty(uow.connection, duty.duty)
        asked = {each.person for each in earlier}
        deputies_left = [each for each in holders if each.person not in asked]
        if deputies_left:
            return deputies_left
        failed = await deliveries.people_not_reached(uow.connection, duty.duty)
        waits = {each.person for each in earlier if each.reply in {Reply.WAITING, Reply.COUNTER}} - failed
        return [each for each in holders if each.person in waits]


def _known(found: Discussion | None) -> Discussion:
    if found is None:
        raise ValueError("a mail about no discussion")
    return found
