"""Builds strategy's mails: the invitation with its calendar, the request for the record, the link to the record."""

from dataclasses import dataclass

from services.platform.delivery.channels import email
from services.platform.delivery.channels.email import Calendar, EmailContent
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import Delivery
from services.platform.runtime.clocks import Clocks
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import code_of
from services.strategy.discussions.repository import Discussion
from services.strategy.invitations.itip import Invitation
from services.strategy.wording import Joining, words


@dataclass(frozen=True, slots=True)
class Reader:
    address: str
    language: str


@dataclass(frozen=True)
class EmailBuilder:
    """`mailbox` is both the organizer and the mail's From: a calendar believes no other."""

    clocks: Clocks
    links: Links
    mailbox: str

    def invitation(self, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader, joining: Joining) -> str:
        """The discussion in its present state: planned, moved, or called off."""
        spoken, now, code = words(reader.language), self.clocks.wall(), code_of(duty.episode or duty.duty)
        link = self.links.url(Purpose.REPLY, duty.telling, now)
        invitation = Invitation(
            about,
            organizer=self.mailbox,
            attendee=reader.address,
            summary=spoken.summary(about, code),
            description=f"{spoken.how(about)}\n\n{spoken.join(code, joining)}",
        )
        content = spoken.email(about, code=code, link=link, joining=joining)
        return self._build(content, delivery, reader, Calendar(invitation.to_ical(now), invitation.method))

    def record_link(self, purpose: Purpose, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader) -> str:
        """To the page on which the record is written, or to the one on which it is read."""
        content = words(reader.language).record_email(
            "asks-for-record" if purpose is Purpose.RECORD else "record",
            about,
            code=code_of(duty.episode or duty.duty),
            link=self.links.url(purpose, delivery.id, self.clocks.wall()),
        )
        return self._build(content, delivery, reader)

    def _build(
        self, content: EmailContent, delivery: Delivery, reader: Reader, calendar: Calendar | None = None
    ) -> str:
        return email.build_email(
            content,
            delivery=delivery.id,
            sender=self.mailbox,
            recipient=reader.address,
            at=self.clocks.wall(),
            calendar=calendar,
        )
