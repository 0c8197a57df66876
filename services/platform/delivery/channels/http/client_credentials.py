"""Bears a token that the destination's own server gives us (OAuth 2.0 client credentials, RFC 6749, 4.4)."""

import time
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple
from urllib.parse import quote

import httpx

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
