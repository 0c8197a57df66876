"""What a parcel to a professional becomes when it is first sent: who holds the role this moment, and the text or mail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.delivery import deputies, mail
from services.delivery.links import Links, Purpose
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.professionals import mails
from services.professionals.texts import write
from services.register import contact, conversation, directory
from services.register.contact import Contact
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import Channel
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


@dataclass(frozen=True)
class TextSender:
    keyring: Keyring
    clocks: Clocks

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty = _duty_of(parcel)
        found = await Asking(self.keyring, self.clocks).first(transaction, parcel, duty, lambda each: each.mobile)
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

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty, now = _duty_of(parcel), self.clocks.wall()
        found = await Asking(self.keyring, self.clocks).first(transaction, parcel, duty, lambda each: each.email)
        if isinstance(found, Undeliverable):
            return found
        letter = mails.language(found.language).letter(
            duty.wording,
            code=code_of(duty.episode or duty.telling),
            link=self.links.url(Purpose.ACKNOWLEDGE, parcel.id, now),
            duty_line=await conversation.duty_line(transaction.connection, duty.authority),
            exercise=parcel.exercise,
        )
        address = found.email or ""
        written = mail.write(letter, delivery=parcel.id, sender=self.mailbox, recipient=address, at=now)
        return Fixed(address, mail.wire(written), person=found.person, read=("person.email",))


@dataclass(frozen=True)
class Sender:
    """By the duty's channel."""

    text: TextSender
    mail: MailSender

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        sender = self.mail if _duty_of(parcel).channel is Channel.EMAIL else self.text
        return await sender.prepare(transaction, parcel)


def _duty_of(parcel: Parcel) -> Duty:
    if parcel.duty is None:
        raise ValueError("professionals sends tellings of duties alone")
    return parcel.duty
