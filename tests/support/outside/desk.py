"""A police desk's endpoint on loopback, verifying with the published library, that misbehaves as a test asks."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.support.engines.ports import free_port

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    id: str
    body: bytes
    headers: dict[str, str]
    verified: bool


@dataclass
class FaultyDesk:
    """`answers` are taken one a request; then it answers 204."""

    secrets: tuple[str, ...]
    url: str = ""
    answers: list[Answering] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(headers.get("webhook-id", ""), body, headers, self._verifies(body, headers)))
        return await self.answers.pop(0)(request) if self.answers else web.Response(status=204)

    def _verifies(self, body: bytes, headers: dict[str, str]) -> bool:
        for secret in self.secrets:
            try:
                Webhook(secret).verify(body, headers)
            except (WebhookVerificationError, ValueError):
                continue
            return True
        return False


def status(code: int, **headers: str) -> Answering:
    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, headers=named, text="no child's name belongs here")

    return answer


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is cut without a word."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def stall(code: int) -> Answering:
    """Says its status, and not another word."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await web.StreamResponse(status=code).prepare(request)
        return await hang(request)

    return answer


def cut(code: int) -> Answering:
    """Says its status, begins to talk, and is cut off."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=code, headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"x")
        return await reset(request)

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    """Says 200, and then talks without end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 4096)
        await asyncio.sleep(0)


@asynccontextmanager
async def silent_door() -> AsyncIterator[int]:
    """A port at which connections are taken, and nothing is ever said."""
    leaving = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leaving.wait()
        writer.transport.abort()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        leaving.set()
        server.close()


@asynccontextmanager
async def faulty_desk(*secrets: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultyDesk]:
    desk = FaultyDesk(secrets)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", desk.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    desk.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/notices"
    try:
        yield desk
    finally:
        await runner.cleanup()
