"""Queues and withdraws `professional.notify` duties, and stops those that somebody has acknowledged.

Takes mails to the professionals' mailbox, too: a bounce, an absence, or words that a person reads.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from services.platform.delivery.channels import email, sms
from services.platform.delivery.events import accepted, acknowledged
from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.mailbox import ESCALATES, MailAnswers
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.digests import deliveries_counted, deliveries_in_mail, ridden
from services.professionals.recipients import duty_of
from services.safeguarding.duty.duties import DutyAcknowledged, ProfessionalNotify
from services.safeguarding.roles import Channel

GATHERED_FOR = timedelta(seconds=10)
"""How long a mail that is not urgent waits for others to the same reader."""
TO_THE_TEXT = frozenset({"text", "phoned", "call"})
"""Answers by somebody who read a text or heard it in a call."""


def answers_a_notice(answer: DutyAcknowledged) -> bool:
    """Whether a force answers: police have stopped the notice themselves."""
    return answer.how == "force"


def is_urgent(duty: ProfessionalNotify) -> bool:
    """Whether it goes before routine duties that came earlier. What is withdrawn comes in its child's order anyhow."""
    return duty.urgent and duty.act != "withdraw"


@dataclass(frozen=True)
class Handlers:
    loop: DeliveryLoop
    clocks: Clocks

    async def on_professional_notify(self, received: Received[ProfessionalNotify], uow: UnitOfWork) -> None:
        if received.content.act == "withdraw":
            await self._withdraw(uow, received)
        else:
            by_mail = received.content.channel is Channel.EMAIL
            delivery = Delivery.of(received, lane=email.LANE if by_mail else sms.LANE, now=self.clocks.wall())
            held_for = GATHERED_FOR if by_mail and not received.content.urgent else timedelta(0)
            await self.loop.put(uow, replace(delivery, held_for=held_for))

    async def _withdraw(self, uow: UnitOfWork, received: Received[ProfessionalNotify]) -> None:
        """Somebody who read it in another's mail counts as told, so that they hear the all-clear."""
        await self.loop.withdraw(uow, received)
        for delivery, reader in await uow.fetch(ridden(received.content)):
            uow.publish(accepted(delivery, reader), subject=delivery.child, cause=delivery)

    async def on_duty_acknowledged(self, received: Received[DutyAcknowledged], uow: UnitOfWork) -> None:
        """Whoever answers a text about many children has heard of each that it counted, and of no later one. Whoever
        answers for one child elsewhere, as at the console, answers for that child alone.
        """
        answer = received.content
        if not answer.claimed:
            await self.loop.acknowledged(uow, answer.duty, answer.step)
        if answer.how not in TO_THE_TEXT:
            return
        _, counted = await uow.fetch(*deliveries_counted(answer.duty, answer.step))
        for each in counted:
            heard = acknowledged(duty_of(each), "call" if answer.how == "call" else "text", by=answer.by)
            heard = heard.model_copy(update={"claimed": answer.claimed})
            uow.publish(heard, subject=each.child, cause=received)


@dataclass(frozen=True)
class Replies:
    answers: MailAnswers

    async def made_of(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """A bounce or an absence concerns every delivery that went in the mail."""
        if mail.kind not in ESCALATES or mail.refers_to is None:
            return await self.answers.made_of(uow, mail)
        mails = await uow.fetch(deliveries_in_mail(mail.refers_to))
        await deliveries.lock_all(uow, mails)
        if not await self.answers.is_believed(uow, mail):
            return await self.answers.made_of(uow, mail)
        results = [await self.answers.goes_on(uow, replace(mail, refers_to=each)) for each in mails]
        return results[0]
