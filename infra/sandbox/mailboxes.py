"""Plays mailboxes behind a real SMTP server that takes mail for anybody, unless a mailbox's switch says otherwise."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern

from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.sandbox.behaviours import Behaviours, Mode, current_mode
from infra.sandbox.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was delivered. `recipients` are those of the envelope; `calendar` is its text/calendar part."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    calendar: bytes
    message_id: str = ""
    headers: str = ""
    raw: bytes = b""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class MailServer:
    """The SMTP side. Its methods are aiosmtpd's hooks; `mails` is what it has taken."""

    def __init__(self, behaviours: Behaviours, closing: asyncio.Event) -> None:
        self.mails: Ledger[Mail] = Ledger()
        self.arrived: list[Callable[[Mail], None]] = []
        self._behaviours, self._closing = behaviours, closing
        self._put_off: Counter[str] = Counter()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Accept mail there. Raises OSError where the port is in use."""
        return await asyncio.get_running_loop().create_server(self._greet, host, port)

    def _greet(self) -> asyncio.BaseProtocol:
        if current_mode(self._behaviours.mail_server) is Mode.SILENT:
            return asyncio.Protocol()
        return SMTP(self, hostname="mail.sandbox", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or say what a mailbox in that mood says."""
        behaviour = self._behaviours.mailbox(address)
        if behaviour.mode is Mode.UNKNOWN:
            return "550 5.1.1 No such mailbox"
        if behaviour.mode is Mode.FULL:
            return "552 5.2.2 Mailbox full"
        if behaviour.mode is Mode.GREYLISTING and self._put_off[address] < behaviour.times:
            self._put_off[address] += 1
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or be in the mood that the switch asks for."""
        behaviour = self._behaviours.mail_server
        mode = current_mode(behaviour)
        if mode is Mode.SLOW:
            await asyncio.sleep(behaviour.delay_seconds)
        elif mode is Mode.FAILING:
            return "451 4.3.0 Try again later"
        elif mode is Mode.REFUSING:
            return "550 5.7.1 Refused"
        elif mode is Mode.SILENT:
            await self._closing.wait()
        mail = read_mail(envelope)
        self.mails.add(str(self.mails.last_number + 1), mail)
        for read in self.arrived:
            read(mail)
        return "250 2.0.0 Taken"


def read_mail(envelope: Envelope) -> Mail:
    """Read the parts of a mail that a person would see, and its calendar part."""
    content = envelope.original_content or b""
    message = message_from_bytes(content, _class=EmailMessage, policy=modern)
    return Mail(
        sender=envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        subject=str(message["subject"] or ""),
        text=_part(message, "text/plain").decode(errors="replace"),
        html=_part(message, "text/html").decode(errors="replace"),
        calendar=_part(message, "text/calendar"),
        message_id=str(message["message-id"] or ""),
        headers=content.partition(b"\r\n\r\n")[0].decode("ascii", "replace"),
        raw=content,
    )


def _part(message: EmailMessage, content_type: str) -> bytes:
    """Give the first part of that type as UTF-8, or nothing."""
    for part in message.walk():
        if part.get_content_type() == content_type:
            content = part.get_content()
            return content if isinstance(content, bytes) else str(content).encode()
    return b""
