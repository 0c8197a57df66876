"""Takes a mail to the mailbox that mails to professionals come from: a bounce, an absence, or words for a person."""

from dataclasses import dataclass, replace

from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.handler import ESCALATES, MailAnswers
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.professionals import metrics
from services.professionals.digests.groups import together


@dataclass(frozen=True)
class Replies:
    """Commits before it returns."""

    store: Store
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """What was made of it, in a word."""
        async with self.store.transaction() as uow:
            made = await self._made_of(uow, mail)
        metrics.MAILS_IN.labels(made).inc()
        return made

    async def _made_of(self, uow: UnitOfWork, mail: ReadMail) -> str:
        """What went together did not arrive together."""
        if mail.kind not in ESCALATES or mail.refers_to is None or not await self.answers.is_believed(uow, mail):
            return await self.answers.made_of(uow, mail)
        mails = await together(uow, mail.refers_to)
        made = [await self.answers.goes_on(uow, replace(mail, refers_to=each)) for each in mails]
        return made[0]
