"""Sends mail through the authority's relay. A delivery's body is the whole mail: every attempt sends the same under the
same Message-ID, so a mailbox shows it once even if it arrives twice.
"""

import ssl
from dataclasses import dataclass

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPNotSupported, SMTPResponseException

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.smtp_pool import Connections
from services.platform.delivery.model import MediumName
from services.platform.runtime.logs import logger
from services.safeguarding.duty.duties import FailureReason
from services.safeguarding.duty.evidence import AttemptResult

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
        self._connections = Connections(self._opens, relay.sender)

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

    def _opens(self, own_name: str | None) -> aiosmtplib.SMTP:
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
    if isinstance(failure, SMTPNotSupported | ssl.SSLError | UnicodeError) or (status is not None and status >= 500):
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
