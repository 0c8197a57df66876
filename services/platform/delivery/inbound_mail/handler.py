"""Handles bounces, absences and answers to mails, the same for every service that mails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter

from services.platform.delivery.channels.channel import MAIL_TO
from services.platform.delivery.events import failed
from services.platform.delivery.inbound_mail.classifier import MailKind, ReadMail, spelt
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId

ESCALATES: dict[MailKind, Literal["undeliverable", "away"]] = {MailKind.BOUNCED: "undeliverable", MailKind.AWAY: "away"}
"""Kinds of mail after which the next person is told, and the reason given."""
OVER = frozenset({State.ACKNOWLEDGED, State.WITHDRAWN, State.FAILED})
UNAUTHENTICATED = "We cannot be sure that this email comes from the person it names. Nothing in it has been recorded. Please ask them."
SEVERAL = "This email answers several of ours, which are not about the same child. It may be about any of them."


@dataclass(frozen=True)
class Mailbox:
    """Takes each mail in a transaction of its own. `made_of` returns what it was taken for, which `mails` counts."""

    store: Store
    made_of: Callable[[UnitOfWork, ReadMail], Awaitable[str]]
    mails: Counter

    async def take(self, mail: ReadMail) -> str:
        """Commits before it returns."""
        async with self.store.transaction() as uow:
            made = await self.made_of(uow, mail)
        self.mails.labels(made).inc()
        return made


@dataclass(frozen=True)
class MailAnswers:
    """Everything within the caller's transaction."""

    keyring: Keyring
    clocks: Clocks

    async def goes_on(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Has the next person told, unless somebody has answered already. A person who is away may still answer.

        Anybody can forge a bounce, so it never stops anything: a delivery that has not been sent cannot have bounced,
        and one that may not have arrived is still sent on. One that is being sent ends with this attempt if it is
        accepted (`record_result`). The caller has checked whether an absence is believed.
        """
        held = None if mail.refers_to is None else await deliveries.lock(uow, mail.refers_to)
        if held is None or held[0].duty is None or held[1] is State.WAITING:
            return f"{mail.kind}-of-nothing"
        delivery, state = held
        if state in OVER:
            return f"{mail.kind}-late"
        ends = state is not State.UNKNOWN
        leads_on = failed(uow, delivery, ESCALATES[mail.kind], delivery.person, given_up=ends)
        uow.publish(leads_on, subject=delivery.child, cause=delivery)
        if ends:
            after = State.UNKNOWN if state is State.SENDING else State.FAILED
            await deliveries.end(uow, delivery.id, after, self.clocks.wall())
        return str(mail.kind)

    async def is_believed(self, uow: UnitOfWork, mail: ReadMail) -> bool:
        """An absence is believed from the person who was told. A person reads any other that still matters."""
        if mail.kind is not MailKind.AWAY or mail.refers_to is None:
            return True
        held = await deliveries.lock(uow, mail.refers_to)
        return held is None or held[1] in OVER or await self._is_theirs(uow, mail, held[0])

    async def made_of(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """Handles a mail that answers one telling, and returns the outcome. A person reads what somebody wrote. A
        stranger's mail is left alone.
        """
        if mail.kind in ESCALATES and await self.is_believed(uow, mail):
            return await self.goes_on(uow, mail)
        if mail.kind not in {MailKind.PERSONAL, MailKind.AWAY}:
            return str(mail.kind)
        told = await self.told(uow, mail)
        if told is None:
            return "stranger"
        delivery, duty = told
        doubts = ("" if mail.authenticated else UNAUTHENTICATED, await self._several(uow, mail, delivery))
        return await self.to_a_person(
            uow,
            "\n\n".join(filter(None, (*doubts, f"From {mail.sender}", mail.words))),
            child=delivery.child,
            authority=duty.authority,
            said_by=delivery.person if await self._is_theirs(uow, mail, delivery) else None,
            exercise=delivery.exercise,
            trace=delivery.trace,
        )

    async def _is_theirs(self, uow: UnitOfWork, mail: ReadMail, delivery: Delivery) -> bool:
        """Whether it comes from the address that the telling went to: anybody who has the mail can answer it."""
        address = await deliveries.recipient_of(uow.connection, self.keyring, delivery)
        return mail.authenticated and address is not None and spelt(address.removeprefix(MAIL_TO)) == mail.sender

    async def _several(self, uow: UnitOfWork, mail: ReadMail, first: Delivery) -> str:
        others = [await deliveries.find(uow.connection, each) for each in mail.also_named]
        return SEVERAL if any(each is not None and each.child != first.child for each in others) else ""

    async def told(self, uow: UnitOfWork, mail: ReadMail) -> tuple[Delivery, Duty] | None:
        """The telling that its headers say it answers."""
        delivery = None if mail.refers_to is None else await deliveries.find(uow.connection, mail.refers_to)
        return None if delivery is None or delivery.duty is None else (delivery, delivery.duty)

    async def to_a_person(
        self,
        uow: UnitOfWork,
        text: str,
        *,
        child: ChildId,
        authority: AuthorityId,
        said_by: PersonId | None,
        exercise: bool,
        trace: str | None,
    ) -> str:
        """Keeps the text, encrypted, and tells the duty line that there is something to read."""
        at = self.clocks.story()
        kept = await words.keep(uow, self.keyring, about=child, words=text, said_by=said_by, at=at)
        needs = TextNeedsHuman(
            authority=authority, words=(kept,), said_by=said_by, channel="mail", reason="not-understood"
        )
        uow.publish(needs, subject=child, at=at, exercise=exercise, trace=trace)
        return "needs-human"
