"""Sends a notice to a force without an API as an email that names nobody, with a link to the notice."""

from dataclasses import replace

from services.platform.delivery.channels import email
from services.platform.delivery.channels.channel import MAIL_TO, ChannelSender, SendRequest, SendResult
from services.platform.delivery.channels.email import EmailContent
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import MediumName
from services.platform.register.directory import format_number
from services.police.notices.schema import About, Notice
from services.police.notices.wording import WORDS, name_of


class NoticeEmail:
    """Writes the email from the notice, the same at each attempt, and hands it to the relay."""

    name: MediumName = "email"

    def __init__(self, relay: ChannelSender, links: Links, sender: str) -> None:
        self._relay, self._links, self._sender = relay, links, sender
        self.start, self.stop = relay.start, relay.stop

    async def send(self, sending: SendRequest) -> SendResult:
        address = sending.recipient.removeprefix(MAIL_TO)
        return await self._relay.send(replace(sending, recipient=address, body=self._email(sending, address)))

    def _email(self, sending: SendRequest, address: str) -> str:
        notice = Notice.model_validate_json(sending.body)
        link = self._links.url(Purpose.NOTICE, sending.id, sending.created_at)
        return email.build_email(
            build_content(notice, link),
            delivery=sending.id,
            sender=self._sender,
            recipient=address,
            at=sending.created_at,
        )


def build_content(notice: Notice, link: str) -> EmailContent:
    data = notice.data
    mark = "EXERCISE. " if data.exercise else ""
    return EmailContent(
        subject=f"{mark}{_subject(data.about)} ({name_of(data)})",
        paragraphs=(
            f"{mark}{data.handling}. {data.sender.name} has a notice for your control room. {subject_of(data.about)}.",
            "Until an officer has said that they have it, the authority may ring you.",
            f"The authority answers at any hour: {format_number(data.sender.telephone)}.",
        ),
        button="Open the notice",
        link=link,
        small=(
            "This email names nobody. Its link works for fourteen days, and longer while a child is searched for. A code, sent to your control room's number, opens the notice. Each reading is recorded.",
            "Replying does not acknowledge. Use the link, or ring.",
        ),
    )


def subject_of(about: About) -> str:
    """What a mail, or a page before its code, says of the notice."""
    return _subject(about).partition(":")[0]


def _subject(about: About) -> str:
    subjects: dict[str, str] = WORDS["subjects"]
    return subjects.get(about, subjects["otherwise"])
