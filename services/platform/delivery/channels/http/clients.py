"""Keeps the HTTP clients of webhooks: certificates are always verified, by public authorities or by the destination's own."""

import ssl

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from services.platform.delivery.channels.http.resolver import CheckedResolver

CONNECTIONS = 200
KEPT_SECONDS = 30


class WebhookClients:
    """Keeps one client an authority. All use one resolver and its sockets, so that none connects to a forbidden address."""

    def __init__(self, resolver: CheckedResolver, total_seconds: float) -> None:
        self._resolver, self._total_seconds = resolver, total_seconds
        self._authority_of: dict[str, str] = {}
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    def trust(self, url: str, private_ca: str | None) -> None:
        if private_ca is None:
            self._authority_of.pop(url, None)
        else:
            self._authority_of[url] = private_ca

    def of(self, url: str) -> httpx.AsyncClient:
        authority = self._authority_of.get(url)
        if authority not in self._clients:
            self._clients[authority] = self._made(authority)
        return self._clients[authority]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _made(self, authority: str | None) -> httpx.AsyncClient:
        """With a private authority, certificates of public ones do not count."""
        verifying = True if authority is None else ssl.create_default_context(cadata=authority)
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            limit=CONNECTIONS,
            keepalive_timeout=KEPT_SECONDS,
            ssl=verifying,
            socket_factory=self._resolver.socket_for,
        )
        session = aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return HttpxAiohttpClient(
            transport=AiohttpTransport(client=session), follow_redirects=False, timeout=self._total_seconds
        )
