"""What a bounce, an absence or words in answer to a mail bring about, the same for every service that mails."""

from dataclasses import dataclass
from typing import Literal

from services.bus.envelope import say
from services.delivery import rows
from services.delivery.mail_in import MailKind, ReadMail, spelt
from services.delivery.parcel import Parcel, State
from services.register import words
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.events import TextNeedsHuman
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyFailed
from services.store.encryption import Keyring
from services.store.transaction import Transaction

GOES_ON: dict[MailKind, Literal["undeliverable", "away"]] = {
    MailKind.BOUNCED: "undeliverable",
    MailKind.AWAY: "away",
}
"""What leads to the next person, and why."""


@dataclass(frozen=True)
class MailAnswers:
    """Everything within the caller's transaction."""

    service: str
    keyring: Keyring
    clocks: Clocks

    async def goes_on(self, transaction: Transaction, mail: ReadMail) -> str:
        """The next person is told, unless somebody has answered already. The one who is away may still answer."""
        held = None if mail.refers_to is None else await rows.hold(transaction, mail.refers_to)
        duty = None if held is None else held[0].duty
        if held is None or duty is None:
            return f"{mail.kind}-of-nothing"
        parcel, state = held
        if state in {State.ACKNOWLEDGED, State.WITHDRAWN, State.FAILED}:
            return f"{mail.kind}-late"
        failed = DutyFailed(
            duty=duty.duty,
            step=duty.step,
            authority=duty.authority,
            episode=duty.episode,
            person=parcel.person,
            reason=GOES_ON[mail.kind],
        )
        await self._say(transaction, parcel.child, failed, exercise=parcel.exercise)
        await rows.declined(transaction, parcel.id, self.clocks.wall())
        return str(mail.kind)

    async def made_of(self, transaction: Transaction, mail: ReadMail) -> str:
        """Of a mail that is in answer to one telling. What somebody wrote, a person reads; a stranger's mail is left."""
        if mail.kind in GOES_ON:
            return await self.goes_on(transaction, mail)
        if mail.kind is not MailKind.PERSONAL:
            return str(mail.kind)
        told = await self.told(transaction, mail)
        if told is None:
            return "stranger"
        parcel, duty = told
        return await self.to_a_person(
            transaction,
            f"From {mail.sender}\n\n{mail.words}",
            child=parcel.child,
            authority=duty.authority,
            said_by=await self._speaker(transaction, mail, parcel),
            exercise=parcel.exercise,
        )

    async def _speaker(self, transaction: Transaction, mail: ReadMail, parcel: Parcel) -> PersonId | None:
        """Whom it was told, where the answer comes from the address that it went to: whoever has the mail can answer it."""
        address = await rows.recipient_of(transaction.connection, self.keyring, parcel)
        same = address is not None and spelt(address) == mail.sender
        return parcel.person if same and not mail.forged else None

    async def told(self, transaction: Transaction, mail: ReadMail) -> tuple[Parcel, Duty] | None:
        """The telling that it answers, where its headers say so."""
        parcel = None if mail.refers_to is None else await rows.find(transaction.connection, mail.refers_to)
        return None if parcel is None or parcel.duty is None else (parcel, parcel.duty)

    async def to_a_person(
        self,
        transaction: Transaction,
        text: str,
        *,
        child: ChildId,
        authority: AuthorityId,
        said_by: PersonId | None,
        exercise: bool,
    ) -> str:
        """Kept encrypted, and the duty line is told that there is something to read."""
        at = self.clocks.story()
        kept = await words.keep(transaction, self.keyring, about=child, words=text, said_by=said_by, at=at)
        needs = TextNeedsHuman(
            authority=authority, words=(kept,), said_by=said_by, channel="mail", reason="not-understood"
        )
        await self._say(transaction, child, needs, exercise=exercise)
        return "needs-human"

    async def _say(self, transaction: Transaction, child: ChildId, content: Message, *, exercise: bool) -> None:
        await say(
            transaction,
            content,
            said_by=self.service,
            subject=child,
            at=self.clocks.story(),
            now=self.clocks.wall(),
            exercise=exercise,
        )
