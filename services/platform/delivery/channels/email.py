"""Sends mail through the authority's relay: plain words, the same as HTML, and nothing else. Who it is about, no mail
ever says.

A delivery's body is the whole mail: every attempt sends the same under the same Message-ID, so a mailbox shows it
once even if it arrives twice. Connections to the relay are kept for a few seconds: opening one, with greeting, TLS
and password, costs more than the mail that goes over it.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from html import escape
from pathlib import Path
from string import Template
from typing import TypeAlias
from uuid import UUID

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPNotSupported, SMTPResponseException

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import MediumName
from services.platform.runtime.logs import logger
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import FailureReason

PAGE = Template((Path(__file__).parents[1] / "pages" / "mail.html").read_text())
BUTTON = Template('<p><a class="button" href="$link">$says</a></p>')
QUOTED = Charset("utf-8")
QUOTED.body_encoding = QP
WIRE = compat32.clone(linesep="\r\n")
"""In ASCII: a relay need not take anything else. By the older of the standard library's two ways to write a mail: the
newer parses each header that it is given, which would be most of what a mail costs.
"""
NAME = "Safe Return"


@dataclass(frozen=True, slots=True)
class EmailContent:
    """`paragraphs` in plain words; `button` is what the link says, `link` where it goes, if there is one; `second` the
    same of a second button; `small` is the fine print.

    `headline` is what must be seen first, such as when a discussion is. Without one, the subject stands there.
    """

    subject: str
    paragraphs: tuple[str, ...]
    button: str = ""
    link: str = ""
    small: tuple[str, ...] = ()
    language: str = "en"
    headline: str = ""
    second: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Calendar:
    """An iTIP message, a part of its own."""

    text: str
    method: str


def message_id(delivery: UUID, sender: str) -> str:
    """The same for every attempt."""
    return f"<{delivery}@{sender.rpartition('@')[2]}>"


def build_email(
    letter: EmailContent, *, delivery: UUID, sender: str, recipient: str, at: datetime, calendar: Calendar | None = None
) -> str:
    """The whole mail as it travels, in ASCII. `at` is wall time: the mail's date at every attempt. Raises ValueError if
    a header would hold a line break.
    """
    mail = MIMEMultipart("alternative", boundary=f"=_{delivery.hex}")
    headers = {
        "From": f"{NAME} <{sender}>",
        "To": recipient,
        "Subject": letter.subject,
        "Date": format_datetime(at),
        "Message-ID": message_id(delivery, sender),
        "Auto-Submitted": "auto-generated",
    }
    for name, value in headers.items():
        if "\r" in value or "\n" in value:
            raise ValueError(f"{name} holds a line break")
        mail[name] = value if value.isascii() else Header(value, header_name=name).encode()
    mail.attach(_part("plain", _plain(letter)))
    mail.attach(_part("html", _html(letter)))
    if calendar is not None:
        part = _part("calendar", calendar.text.replace("\r\n", "\n"))
        part.set_param("method", calendar.method)
        mail.attach(part)
    return mail.as_bytes(policy=WIRE).decode("ascii")


def _part(subtype: str, text: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(text, QUOTED)
    return part


def _plain(letter: EmailContent) -> str:
    headline = [letter.headline] if letter.headline else []
    buttons = [f"{says}:\n{link}" for says, link in _buttons(letter)]
    return "\n\n".join([*headline, *letter.paragraphs, *buttons, *letter.small]) + "\n"


def _buttons(letter: EmailContent) -> list[tuple[str, str]]:
    return [each for each in ((letter.button, letter.link), letter.second) if each[1]]


def _html(letter: EmailContent) -> str:
    return PAGE.substitute(
        language=escape(letter.language),
        subject=escape(letter.subject),
        headline=escape(letter.headline or letter.subject),
        paragraphs="".join(f"<p>{escape(each)}</p>" for each in letter.paragraphs),
        button="".join(BUTTON.substitute(link=escape(link), says=escape(says)) for says, link in _buttons(letter)),
        small="".join(f'<p class="small">{escape(each)}</p>' for each in letter.small),
    )


KEPT_SECONDS = 5.0
"""Idle. Relays wait for minutes before they close one, but a firewall in between may forget it sooner."""
KEPT_MOST = 8
MAILS_MOST = 50
"""Over one connection. Relays that count allow a hundred and more."""

Opens: TypeAlias = Callable[[str | None], aiosmtplib.SMTP]
"""A client that is not connected yet. It greets under the name given, and finds that out by itself where none is."""


@dataclass(slots=True, eq=False)
class Connection:
    client: aiosmtplib.SMTP
    mails: int = 0
    _closing: asyncio.TimerHandle | None = field(default=None, init=False)

    def close(self) -> None:
        self.use()
        self.client.close()

    def use(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def close_later(self, closed: Callable[[], None]) -> None:
        def close() -> None:
            self.client.close()
            closed()

        self._closing = asyncio.get_running_loop().call_later(KEPT_SECONDS, close)


class Connections:
    """Nobody waits for another's: where none is idle, one is opened. `sender` is the envelope's."""

    def __init__(self, opens: Opens, sender: str) -> None:
        self._opens, self._sender = opens, sender
        self._idle: list[Connection] = []
        self._own_name: str | None = None
        self._closed = False

    async def begin(self) -> Connection:
        """One on which the relay has taken the sender of a mail, and heard nothing else of it. Raises aiosmtplib's
        errors and OSError.
        """
        return await self._of_idle() or await self._begun(Connection(self._opens(self._own_name)))

    def done(self, connection: Connection) -> None:
        """The relay took the mail: another may go over the same connection."""
        connection.mails += 1
        if self._closed or connection.mails >= MAILS_MOST or len(self._idle) >= KEPT_MOST:
            connection.close()
            return
        self._idle.append(connection)
        connection.close_later(lambda: self._idle.remove(connection))

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        """Closes those that are idle now, and each other once it has brought its mail."""
        self._closed = True
        self._close_idle()

    async def _of_idle(self) -> Connection | None:
        """The relay may have closed it meanwhile, or want no more mails over it. Whatever keeps a mail from beginning
        there, a new connection is opened and its answer counts: no recipient was named, so nothing can have been sent.
        The other idle ones are as old, and are given up with it.
        """
        while self._idle:
            connection = self._idle.pop()
            connection.use()
            if connection.client.is_connected:
                try:
                    return await self._begun(connection)
                except (SMTPException, TimeoutError, OSError):
                    self._close_idle()
        return None

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _begun(self, connection: Connection) -> Connection:
        client, begun = connection.client, False
        try:
            if not client.is_connected:
                await client.connect()
                self._own_name = client.local_hostname
            await client.mail(self._sender)
            begun = True
        finally:
            if not begun:
                connection.close()
        return connection


LANE = "mail"
"""One destination: the relay. A failure of one mailbox is not a failure of the lane."""
AT_ONCE = 8
TLS_FROM_THE_START = 465
"""The one port on which a relay speaks TLS at once (RFC 8314). On any other, STARTTLS is required."""
STEP_SECONDS = 10.0
"""For each command of the exchange."""
NO_SUCH_MAILBOX = "5.1.1"
MAILBOX_FULL = "5.2.2"
"""A permanent code for a state that soon passes."""


@dataclass(frozen=True, slots=True)
class Relay:
    """`sender` is the address of the envelope and of the From header. Only in a sandbox is it not `encrypted`."""

    host: str
    port: int
    sender: str
    encrypted: bool = True
    user: str | None = None
    password: str | None = None


class EmailMedium:
    name: MediumName = "email"

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._tls: ssl.SSLContext | None = None
        self._connections = Connections(self.client, relay.sender)

    async def start(self) -> None:
        self._tls = ssl.create_default_context() if self._relay.encrypted else None
        self._connections.open()

    async def stop(self) -> None:
        self._connections.close()

    async def send(self, sending: SendRequest) -> SendResult:
        """A refusal before a recipient is named is about our settings, not about this mail: it is tried again."""
        try:
            connection = await self._connections.begin()
        except (SMTPException, TimeoutError, OSError, UnicodeError) as failure:
            return _before_the_mail(failure)
        taken = False
        try:
            answer = await _exchange(connection.client, sending)
            taken = answer.result is AttemptResult.ACCEPTED
        finally:
            # After a refusal or a lost answer the relay's state is unknown.
            if taken:
                self._connections.done(connection)
            else:
                connection.close()
        return answer

    def client(self, own_name: str | None) -> aiosmtplib.SMTP:
        """A new one, not yet connected. Only after `start`."""
        relay = self._relay
        return aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=own_name,
            timeout=STEP_SECONDS,
            use_tls=relay.encrypted and relay.port == TLS_FROM_THE_START,
            start_tls=relay.encrypted and relay.port != TLS_FROM_THE_START,
            tls_context=self._tls,
            username=relay.user,
            password=relay.password,
        )


async def _exchange(client: aiosmtplib.SMTP, sending: SendRequest) -> SendResult:
    try:
        await client.rcpt(sending.recipient)
    except (SMTPResponseException, UnicodeError) as refusal:
        return _read_refusal(refusal)
    except (SMTPException, TimeoutError, OSError):
        return SendResult(AttemptResult.RETRY)
    try:
        answer = await client.data(sending.body)
    except (SMTPResponseException, UnicodeError) as refusal:
        return _read_refusal(refusal)
    except (SMTPException, TimeoutError, OSError):
        return SendResult(AttemptResult.UNKNOWN)
    return SendResult(AttemptResult.ACCEPTED, answer.code)


def _before_the_mail(failure: Exception) -> SendResult:
    status = failure.code if isinstance(failure, SMTPResponseException) else None
    # aiosmtplib raises the bare class for a relay that offers no STARTTLS or no login.
    is_lasting = type(failure) is SMTPException or isinstance(failure, SMTPNotSupported | ssl.SSLError | UnicodeError)
    if is_lasting or (status is not None and status >= 500):
        metrics.OPERATOR.labels("email").inc()
        logger().error("mails cannot go out until the settings or the relay are mended", status=status)
    return SendResult(AttemptResult.RETRY, status)


def _read_refusal(refusal: SMTPResponseException | UnicodeError) -> SendResult:
    """4xx is transient, such as greylisting; 5xx is final. So is an address that is not ASCII: it never left this
    machine. An import refuses one, but the register may hold an older one.
    """
    if isinstance(refusal, UnicodeError):
        return SendResult(AttemptResult.REFUSED, reason="refused")
    if refusal.code < 500 or refusal.message.startswith(MAILBOX_FULL):
        return SendResult(AttemptResult.RETRY, refusal.code)
    reason: FailureReason = "gone" if refusal.message.startswith(NO_SUCH_MAILBOX) else "refused"
    return SendResult(AttemptResult.REFUSED, refusal.code, reason=reason)
