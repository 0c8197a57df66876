"""Sends signed webhooks (Standard Webhooks): httpx over aiohttp's transport sends.

Same id at every attempt, fresh time and signatures; 2xx alone counts as taken; redirects are not followed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import httpx

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.http.clients import Trust, WebhookClients
from services.platform.delivery.channels.http.ssrf_guard import (
    CheckedResolver,
    ForbiddenDestination,
    require_permitted_url,
)
from services.platform.delivery.model import MediumName
from services.platform.delivery.webhook_signature import sign
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.safeguarding.duty.evidence import AttemptResult

TOTAL_SECONDS = 10.0
READ_AT_MOST = 20_000
PASSING = frozenset({408, 425, 429})
GONE = 410
RETRY_AFTER_AT_MOST = 60
"""Characters; an HTTP date has 29."""
DAY = timedelta(days=1)


def signed(message_id: str, body: str, secrets: tuple[str, ...], now: datetime) -> dict[str, str]:
    """The three headers. Several secrets give several signatures, so that either side may change its secret first.

    `now` is by the machine's own clock, and signed as UTC: the library would sign another zone's digits as if they were
    UTC's.
    """
    now = now.astimezone(UTC)
    signatures = " ".join(sign(secret, message_id, now, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
        "content-type": "application/json",
        "user-agent": "safe-return/1",
    }


def read_answer(status: int, headers: Mapping[str, str], now: datetime) -> SendResult:
    """408, 425, 429 and 5xx are transient; every other refusal is final."""
    if 200 <= status < 300:
        return SendResult(AttemptResult.ACCEPTED, status)
    if status >= 500 or status in PASSING:
        return SendResult(AttemptResult.RETRY, status, retry_after=_retry_after(headers.get("retry-after"), now))
    return SendResult(AttemptResult.REFUSED, status, reason="gone" if status == GONE else "refused")


class WebhookMedium:
    """The lanes above keep destinations apart."""

    name: MediumName = "webhook"

    def __init__(self, *, sandbox: bool, resolver: CheckedResolver | None = None) -> None:
        self._sandbox = sandbox
        self._clients = WebhookClients(resolver or CheckedResolver(sandbox=sandbox), TOTAL_SECONDS)

    def trust(self, url: str, trust: Trust) -> None:
        """From now on, for this `url`."""
        self._clients.trust(url, trust)

    async def start(self) -> None:
        """Clients are made when they are first needed."""

    async def stop(self) -> None:
        await self._clients.close()

    async def send(self, sending: SendRequest) -> SendResult:
        """The status alone is the answer: a body that fails to arrive after it does not matter."""
        post = _Post(sending.body.encode())
        try:
            require_permitted_url(sending.recipient, sandbox=self._sandbox)
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._post(post, sending)
        except ForbiddenDestination:
            return SendResult(AttemptResult.REFUSED, reason="refused")
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            return post.answer or _read_failure(error, may_have_arrived=post.begun)

    async def _post(self, post: "_Post", sending: SendRequest) -> SendResult:
        client = self._clients.of(sending.recipient)
        now = Clocks().own()
        headers = signed(str(sending.id), sending.body, sending.secrets, now)
        headers["content-length"] = str(len(post.body))  # else a body that is asked for piece by piece goes in chunks
        request = client.build_request("POST", sending.recipient, content=post, headers=headers)
        response = await client.send(request, stream=True)
        post.answer = answer = read_answer(response.status_code, response.headers, now)
        try:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > READ_AT_MOST:
                    break
        finally:
            await response.aclose()
        return answer


class _Post:
    """A body that notes when the client, once connected, asks for it: before that, nothing can have arrived."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.begun = False
        self.answer: SendResult | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        yield self.body


def _read_failure(failure: BaseException, *, may_have_arrived: bool) -> SendResult:
    """Nothing was sent to a forbidden address, or to a machine with an untrusted certificate. Neither is transient."""
    if _is_because_of(failure, ForbiddenDestination):
        return SendResult(AttemptResult.REFUSED, reason="refused")
    if _is_because_of(failure, ssl.SSLCertVerificationError):
        metrics.OPERATOR.labels("webhook").inc()
        logger().error("a certificate at the other end is not to be trusted: nothing was sent")
        return SendResult(AttemptResult.REFUSED, reason="untrusted-certificate")
    return SendResult(AttemptResult.UNKNOWN if may_have_arrived else AttemptResult.RETRY)


def _is_because_of(error: BaseException | None, cause: type[Exception]) -> bool:
    """The client wraps the errors of the resolver and of TLS."""
    while error is not None:
        if isinstance(error, cause):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Reads seconds or an HTTP date. None where it is neither, lies in the past, or is too long."""
    if value is None or len(value) > RETRY_AFTER_AT_MOST:
        return None
    try:
        if value.strip().isdecimal():
            return min(timedelta(seconds=int(value)), DAY)
        asked = parsedate_to_datetime(value)
        if asked.tzinfo is None:
            asked = asked.replace(tzinfo=UTC)
        return asked - now if asked > now else None
    except (ValueError, ArithmeticError, LookupError, TypeError):
        return None
