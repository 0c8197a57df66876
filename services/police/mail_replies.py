"""Takes a mail to the mailbox that mails to forces come from: a bounce leads to a human at once, and so does an absence."""

from dataclasses import dataclass

from services.delivery.mail_answers import MailAnswers
from services.delivery.mail_in import ReadMail
from services.police import metrics
from services.store.transaction import Store


@dataclass(frozen=True)
class MailReplies:
    """Commits before it returns. What an officer writes instead of pressing the button acknowledges nothing: a person reads it, and
    hears where nobody vouches for whose it is.
    """

    store: Store
    answers: MailAnswers

    async def take(self, mail: ReadMail) -> str:
        """What was made of it, in a word."""
        async with self.store.transaction() as transaction:
            made = await self.answers.made_of(transaction, mail)
        metrics.MAILS_IN.labels(made).inc()
        return made
