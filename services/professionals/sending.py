"""What a parcel to a professional becomes when it is first sent: who holds the role this moment, and the text or mail."""

from dataclasses import dataclass, field

from cachetools import TTLCache

from services.delivery import mail
from services.delivery.links import Links, Purpose
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.professionals import mails
from services.professionals.asking import Asking, duty_of
from services.professionals.grouping import Grouping
from services.professionals.mails import mail_code
from services.professionals.texts import write
from services.register import conversation
from services.register.cache import new_cache
from services.runtime.clocks import Clocks
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.roles import Channel
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class TextSender:
    keyring: Keyring
    clocks: Clocks

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty = duty_of(parcel)
        found = await Asking(self.keyring, self.clocks).first(transaction, parcel, lambda each: each.mobile)
        if isinstance(found, Undeliverable):
            return found
        number = found.mobile or ""
        body = write(duty.wording, found.language, parcel.code, exercise=parcel.exercise)
        return Fixed(number, body, person=found.person, read=("person.mobile",), number=number)


@dataclass(frozen=True)
class MailSender:
    """`mailbox` is the address that mails come from."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    mailbox: str
    grouping: Grouping
    duty_lines: TTLCache[AuthorityId, str | None] = field(default_factory=new_cache)

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty, now = duty_of(parcel), self.clocks.wall()
        found = await Asking(self.keyring, self.clocks).first(transaction, parcel, lambda each: each.email)
        if isinstance(found, Undeliverable):
            return found
        gathered = await self.grouping.gather(transaction, parcel, found)
        if isinstance(gathered, Fixed):
            return gathered
        others = [duty_of(each) for each in gathered]
        letter = mails.language(found.language).letter(
            [(each.wording, mail_code(each)) for each in (duty, *others)],
            link=self.links.url(Purpose.ACKNOWLEDGE, parcel.id, now),
            duty_line=await self._duty_line(transaction, duty.authority),
            exercise=parcel.exercise,
        )
        address = found.email or ""
        written = mail.write(letter, delivery=parcel.id, sender=self.mailbox, recipient=address, at=now)
        return Fixed(address, written, person=found.person, read=("person.email",))

    async def _duty_line(self, transaction: Transaction, authority: AuthorityId) -> str | None:
        try:
            return self.duty_lines[authority]
        except KeyError:
            line = await conversation.duty_line(transaction.connection, authority)
            self.duty_lines[authority] = line
            return line


@dataclass(frozen=True)
class Sender:
    """By the duty's channel."""

    text: TextSender
    mail: MailSender

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        sender = self.mail if duty_of(parcel).channel is Channel.EMAIL else self.text
        return await sender.prepare(transaction, parcel)
