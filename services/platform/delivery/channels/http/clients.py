"""Keeps the HTTP clients of webhooks. Certificates are verified, by public authorities or the destination's own."""

import ssl
from tempfile import NamedTemporaryFile
from typing import NamedTuple

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from services.platform.delivery.channels.http.client_credentials import Client, ClientCredentials
from services.platform.delivery.channels.http.resolver import CheckedResolver

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
        made = ssl.create_default_context(cadata=self.private_ca)
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
