"""Takes emails to the mailbox of our notices: a bounce or an absence note leads to a human at once."""

from dataclasses import dataclass

from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.handler import MailAnswers
from services.platform.store.unit_of_work import Store
from services.police import metrics


@dataclass(frozen=True)
class MailReplies:
    """Commits before it returns. An email that an officer writes instead of using the page acknowledges nothing: a
    person reads it, and is told if its sender could not be verified.
    """

    store: Store
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """Returns the kind of email that it was taken for."""
        async with self.store.transaction() as uow:
            made = await self.answers.made_of(uow, mail)
        metrics.MAILS_IN.labels(made).inc()
        return made
