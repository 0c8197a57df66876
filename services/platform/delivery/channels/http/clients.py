"""Keeps the HTTP clients of webhooks. Certificates are verified, by public authorities or the destination's own.

A client may bear a token that the destination's own server gives us (OAuth 2.0 client credentials, RFC 6749, 4.4).
"""

import ssl
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from tempfile import NamedTemporaryFile
from typing import NamedTuple
from urllib.parse import quote

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from services.platform.delivery.channels.http.ssrf_guard import CheckedResolver
from services.platform.runtime.private_trust import trusting

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
