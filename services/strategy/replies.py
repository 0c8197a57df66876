"""Takes a mail to our mailbox: what it says of an invitation is done, and what no machine understands goes to a person."""

from dataclasses import dataclass
from uuid import UUID

from services.bus.envelope import say
from services.delivery import rows
from services.register import words
from services.runtime.clocks import Clocks
from services.safeguarding.events import TextNeedsHuman
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyFailed
from services.store.encryption import Keyring
from services.store.transaction import Store, Transaction
from services.strategy import metrics, store
from services.strategy.discussing import SERVICE, Discussing
from services.strategy.inviting import address_hash
from services.strategy.itip import Answered
from services.strategy.mail_in import Bounced, Forged, FromCalendar, InWords, ReadMail, read_mail
from services.strategy.policy import counts


@dataclass(frozen=True)
class Replies:
    """Commits before it returns. The same mail twice does nothing the second time, unless a person reads it."""

    store: Store
    keyring: Keyring
    clocks: Clocks
    discussing: Discussing

    async def take(self, raw: bytes, envelope_sender: str) -> str:
        """What was made of it, in a word. Raises only what passes by itself, such as the database's absence."""
        mail = read_mail(raw, envelope_sender)
        async with self.store.transaction() as transaction:
            made = await self._made_of(transaction, mail)
        metrics.REPLIES.labels("mail", made).inc()
        return made

    async def _made_of(self, transaction: Transaction, mail: ReadMail) -> str:
        content = mail.content
        if isinstance(content, FromCalendar):
            return await self._calendar(transaction, mail, content.answered)
        if isinstance(content, Bounced):
            return await self._bounced(transaction, content.delivery)
        if isinstance(content, InWords):
            return await self._in_words(transaction, mail, content.text)
        return "forged" if isinstance(content, Forged) else "automatic"

    async def _calendar(self, transaction: Transaction, mail: ReadMail, answered: Answered) -> str:
        found = await store.hold(transaction, answered.discussion)
        if found is None:
            return "no-such-discussion"
        mine = await store.attendees_of(
            transaction.connection, found.discussion, address_hash(self.keyring, mail.sender)
        )
        if not mine:
            return "stranger"
        if found.state == store.CANCELLED or not counts(
            answered.reply, sequence=answered.sequence, current=found.sequence
        ):
            return "old"
        for attendee in mine:
            await self.discussing.take(
                transaction, found, attendee, answered.reply, how="mail", proposes=answered.proposes
            )
        return str(answered.reply)

    async def _bounced(self, transaction: Transaction, delivery: UUID | None) -> str:
        parcel = None if delivery is None else await rows.find(transaction.connection, delivery)
        duty = None if parcel is None else parcel.duty
        if parcel is None or duty is None:
            return "bounce-of-nothing"
        failed = DutyFailed(
            duty=duty.duty,
            step=duty.step,
            authority=duty.authority,
            episode=duty.episode,
            person=parcel.person,
            reason="undeliverable",
        )
        await self._say(transaction, parcel.child, failed, exercise=parcel.exercise)
        await rows.declined(transaction, parcel.id, self.clocks.wall())
        return "bounced"

    async def _in_words(self, transaction: Transaction, mail: ReadMail, text: str) -> str:
        """Of somebody whom we invited, in answer to it: a person reads it. Anybody else's is nobody's business here."""
        parcel = None if mail.refers_to is None else await rows.find(transaction.connection, mail.refers_to)
        duty = None if parcel is None else parcel.duty
        if parcel is None or duty is None:
            return "stranger"
        discussion = await store.of_duty(transaction, duty.duty, duty.step)
        if discussion is None or not await store.attendees_of(
            transaction.connection, discussion.discussion, address_hash(self.keyring, mail.sender)
        ):
            return "stranger"
        kept = await words.keep(
            transaction,
            self.keyring,
            about=parcel.child,
            words=text,
            said_by=parcel.person,
            at=self.clocks.story(),
        )
        needs = TextNeedsHuman(authority=duty.authority, words=(kept,), said_by=parcel.person, reason="not-understood")
        await self._say(transaction, parcel.child, needs, exercise=parcel.exercise)
        return "needs-human"

    async def _say(self, transaction: Transaction, child: str, content: Message, *, exercise: bool) -> None:
        await say(
            transaction,
            content,
            said_by=SERVICE,
            subject=child,
            at=self.clocks.story(),
            now=self.clocks.wall(),
            exercise=exercise,
        )
