"""Takes mails to the professionals' mailbox: a bounce, an absence, or words that a person reads."""

from dataclasses import dataclass, replace

from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.handler import ESCALATES, MailAnswers
from services.platform.delivery.queue import repository as deliveries
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.digests.groups import deliveries_in_mail


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
