"""Refuses connections to addresses that are not public, whatever a name or a URL claims.

Names are looked up here for the HTTP client and every address is checked, so that what was checked is what is
connected to. A client may take for an address what no check took for one ("127。0。0。1"), and look nothing up. So each
socket is checked too, at the last moment, by the address that it is about to connect to.

Keeps the HTTP clients of webhooks. Certificates are verified, by public authorities or the destination's own.

A client may bear a token that the destination's own server gives us (OAuth 2.0 client credentials, RFC 6749, 4.4).

Sends signed webhooks (Standard Webhooks): httpx over aiohttp's transport sends.

Same id at every attempt, fresh time and signatures; 2xx alone counts as taken; redirects are not followed.
"""

import asyncio
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from tempfile import NamedTemporaryFile
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, urlsplit

import aiohttp
import httpx
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import MediumName
from services.platform.delivery.webhook_signature import sign
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.settings import PLAYED, is_played, trusting
from services.safeguarding.duty.decisions import AttemptResult

Address: TypeAlias = IPv4Address | IPv6Address

NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
NEVER = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""Beside those that `ipaddress` calls private: its list differs between Python versions, and lacks cloud metadata."""


class ForbiddenDestination(Exception):
    """The URL, or an address that its name stands for, is none that notices may go to. The text names no address."""


def is_permitted(address: str, *, sandbox: bool) -> bool:
    """A sandbox's addresses only in a declared sandbox; of those that carry an IPv4 address inside, that is judged."""
    try:
        parsed = ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    judged = _inner(parsed)
    if judged.is_loopback or judged in PLAYED:
        return sandbox and judged == parsed
    if any(judged in network for network in NEVER if network.version == judged.version):
        return False
    return judged.is_global and not (
        judged.is_private or judged.is_multicast or judged.is_reserved or judged.is_unspecified
    )


def require_permitted_url(url: str, *, sandbox: bool) -> None:
    """HTTPS, no credentials, no oddly spelt address, names as looked up (`xn--`). Raises ForbiddenDestination."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ForbiddenDestination("the URL cannot be read") from None
    if not host or parts.username is not None or parts.password is not None:
        raise ForbiddenDestination("the URL names no host, or carries credentials")
    if _is_literal(host):
        if not is_permitted(host, sandbox=sandbox):
            raise ForbiddenDestination("the address is not public")
    elif not host.isascii() or "%" in host or _spells_a_number(host):
        raise ForbiddenDestination("the host is an address in an unusual spelling")
    if parts.scheme != "https" and not (parts.scheme == "http" and sandbox and is_played(host)):
        raise ForbiddenDestination("only HTTPS")


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return True


def _spells_a_number(host: str) -> bool:
    """`2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`: what the C library would take for an address."""
    last = host.rstrip(".").rsplit(".", maxsplit=1)[-1]
    return last.isdigit() or last.startswith("0x")


class CheckedResolver(AbstractResolver):
    """A name of which one address is forbidden is refused whole: it is either misconfigured or somebody's trap."""

    def __init__(self, *, sandbox: bool, names: AbstractResolver | None = None) -> None:
        self._sandbox = sandbox
        self._names = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises ForbiddenDestination, or OSError where the name cannot be looked up."""
        found = await self._names.resolve(host, port, family)
        if not all(is_permitted(each["host"], sandbox=self._sandbox) for each in found):
            raise ForbiddenDestination("the name stands for an address that is not public")
        return found

    def socket_for(self, about: AddrInfoType) -> socket.socket:
        """Raises ForbiddenDestination."""
        family, kind, protocol, _, address = about
        if not is_permitted(str(address[0]), sandbox=self._sandbox):
            raise ForbiddenDestination("the address is not public")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        await self._names.close()


RENEWED_BEFORE_SECONDS = 30.0
LASTS_SECONDS = 300.0
"""Where the server does not say."""
READ_AT_MOST = 20_000
"""Bytes of an answer after which another request follows: the library reads such a one to its end."""


UNPACKED = {"accept-encoding": "identity"}


class Client(NamedTuple):
    """Who we are there."""

    token_url: str
    client: str
    secret: str
    scope: str = ""


class ClientCredentials(httpx.Auth):
    """Keeps the token until shortly before its end, and asks for another once if it is refused."""

    def __init__(self, client: Client) -> None:
        self._client, self._token, self._until = client, "", 0.0

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Raises httpx.TransportError without a token: nothing was sent, and it is tried again later."""
        for _ in range(2):
            if time.monotonic() >= self._until:
                answer = yield self._asking()
                _bound(answer)
                await answer.aread()
                self._keep(answer)
            request.headers["authorization"] = f"Bearer {self._token}"
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return
            _bound(answer)
            self._until = 0.0

    def _asking(self) -> httpx.Request:
        us = b64encode(f"{quote(self._client.client, safe='')}:{quote(self._client.secret, safe='')}".encode()).decode()
        form = {"grant_type": "client_credentials"} | ({"scope": self._client.scope} if self._client.scope else {})
        return httpx.Request(
            "POST", self._client.token_url, data=form, headers=UNPACKED | {"authorization": f"Basic {us}"}
        )

    def _keep(self, answer: httpx.Response) -> None:
        try:
            said = answer.raise_for_status().json()
            self._token, lasts = str(said["access_token"]), float(said.get("expires_in", LASTS_SECONDS))
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError, AttributeError):
            raise httpx.TransportError("no token") from None
        if not (self._token.isascii() and self._token.isprintable()):
            raise httpx.TransportError("no header holds the token")
        self._until = time.monotonic() + lasts - RENEWED_BEFORE_SECONDS


class _Beginning(httpx.AsyncByteStream):
    """The first bytes of a body."""

    def __init__(self, whole: httpx.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = READ_AT_MOST
        async for each in self._whole:
            yield each[:left]
            left -= len(each)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._whole.aclose()


def _bound(answer: httpx.Response) -> None:
    """In bytes as they come: what is packed would grow without a bound when it is unpacked."""
    if isinstance(answer.stream, httpx.AsyncByteStream):
        answer.stream = _Beginning(answer.stream)
    answer.headers.pop("content-encoding", None)


CONNECTIONS = 200
KEPT_SECONDS = 30


class Trust(NamedTuple):
    """`private_ca` (PEM) alone may sign the other end's certificate; None: a public authority. `client_certificate`
    (PEM, with its key) is shown to whoever asks for one. `oauth`: its server gives us tokens, and is trusted alike.
    """

    private_ca: str | None = None
    client_certificate: str | None = None
    oauth: Client | None = None

    def context(self) -> ssl.SSLContext:
        """With a private authority, certificates of public ones do not count."""
        made = trusting(cadata=self.private_ca)
        if self.client_certificate is not None:
            # OpenSSL reads it from a file alone, and nobody else may read this one.
            with NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(self.client_certificate)
                file.flush()
                made.load_cert_chain(file.name)
        return made


PUBLIC = Trust()
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For the transport, which would load all public authorities, and uses the session's context instead."""


class WebhookClients:
    """Keeps one client for each that is trusted alike. All use one resolver and its sockets, so that none connects to a
    forbidden address.
    """

    def __init__(self, resolver: CheckedResolver, total_seconds: float) -> None:
        self._resolver, self._total_seconds = resolver, total_seconds
        self._trusted: dict[str, Trust] = {}
        self._clients: dict[Trust, httpx.AsyncClient] = {}

    def trust(self, url: str, trust: Trust) -> None:
        if trust == PUBLIC:
            self._trusted.pop(url, None)
        else:
            self._trusted[url] = trust

    def of(self, url: str) -> httpx.AsyncClient:
        trust = self._trusted.get(url, PUBLIC)
        if trust not in self._clients:
            self._clients[trust] = self._made(trust)
        return self._clients[trust]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _made(self, trust: Trust) -> httpx.AsyncClient:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            limit=CONNECTIONS,
            keepalive_timeout=KEPT_SECONDS,
            ssl=True if trust == PUBLIC else trust.context(),
            socket_factory=self._resolver.socket_for,
        )
        session = aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return HttpxAiohttpClient(
            transport=AiohttpTransport(NOBODY, client=session),
            auth=None if trust.oauth is None else ClientCredentials(trust.oauth),
            follow_redirects=False,
            timeout=self._total_seconds,
        )


TOTAL_SECONDS = 10.0

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
