"""Takes a mail to the mailbox that mails to forces come from: a bounce leads to a human at once, and so does an absence."""

from dataclasses import dataclass

from services.platform.delivery.inbound_mail.classifier import ReadMail
from services.platform.delivery.inbound_mail.handler import MailAnswers
from services.platform.store.unit_of_work import Store
from services.police import metrics


@dataclass(frozen=True)
class MailReplies:
    """Commits before it returns. What an officer writes instead of pressing the button acknowledges nothing: a person reads it, and
    hears where nobody vouches for whose it is.
    """

    store: Store
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """What was made of it, in a word."""
        async with self.store.transaction() as uow:
            made = await self.answers.made_of(uow, mail)
        metrics.MAILS_IN.labels(made).inc()
        return made
