"""What a parcel to an attendee becomes when it is first sent: the discussion as it stands this moment, in mail and calendar."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery import mail
from services.delivery.links import Links, Purpose
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.register import contact, conversation, directory
from services.register.contact import Contact
from services.register.directory import Holder
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.identifiers import code_of
from services.store.encryption import Keyring
from services.store.transaction import Transaction
from services.strategy import store
from services.strategy.itip import Invitation
from services.strategy.store import Discussion
from services.strategy.words import words


@dataclass(frozen=True)
class Inviting:
    """`mailbox` is both the organizer and the mail's From: a calendar believes no other."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    mailbox: str

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        duty = parcel.duty
        if duty is None:
            raise ValueError("strategy sends invitations of duties alone")
        discussion = await store.of_duty(transaction, duty.duty, duty.step)
        if discussion is None:
            raise ValueError("an invitation to no discussion")
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
        found = await self._reachable(transaction, holders)
        if found is None:
            return Undeliverable("no-address", holders[0].person)
        address = (found.email or "").strip()
        await store.addressed(transaction, duty, found.person, address_hash(self.keyring, address))
        line = await conversation.duty_line(transaction.connection, duty.authority)
        body = self._written(discussion, parcel, duty, found.language, address, line)
        return Fixed(address, body, person=found.person, read=("person.email",))

    def _written(
        self, discussion: Discussion, parcel: Parcel, duty: Duty, language: str, address: str, line: str | None
    ) -> str:
        spoken, now, code = words(language), self.clocks.wall(), code_of(duty.episode or duty.duty)
        cancelled = discussion.state == store.CANCELLED
        change = "cancelled-" if cancelled else "moved-" if discussion.sequence else ""
        letter = spoken.letter(
            discussion.starts_at,
            code=code,
            link=self.links.url(Purpose.REPLY, duty.telling, now),
            duty_line=line,
            exercise=discussion.exercise,
            change=change,
        )
        invitation = Invitation(
            discussion=discussion.discussion,
            sequence=discussion.sequence,
            starts_at=discussion.starts_at,
            cancelled=cancelled,
            organizer=self.mailbox,
            attendee=address,
            summary=spoken.summary(code, exercise=discussion.exercise),
            description=spoken.join(code, line),
        )
        written = mail.write(letter, delivery=parcel.id, sender=self.mailbox, recipient=address, at=now)
        written.add_alternative(invitation.written(now), subtype="calendar", params={"method": invitation.method})
        return mail.wire(written)

    async def _reachable(self, transaction: Transaction, holders: Sequence[Holder]) -> Contact | None:
        for holder in holders:
            found = await contact.of(transaction.connection, self.keyring, holder.person)
            if found is not None and found.email is not None:
                return found
        return None


def address_hash(keyring: Keyring, address: str) -> bytes:
    """Mail programs change an address's case at will."""
    return keyring.number_hash(address.strip().lower())
