"""Serves a process's pages over HTTP, as one of its parts, and beside them `/metrics` and `/health/live`,
`/health/ready` and `/health/accepting`.

Connections are bounded in time, size and number: whoever asks nothing holds up nobody. Measures the process itself
and its event loop.
"""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from ipaddress import IPv4Network, ip_address
from typing import Any, ClassVar

import uvicorn
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Info,
    disable_created_metrics,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.platform.runtime.process import Health, Repeating

LOOP_LATE = Gauge("event_loop_late_seconds", "How much later than asked the event loop last came back from a sleep")
OBSTACLE = Gauge("process_obstacle", "1 while what is named stands in the process's way, as readiness says", ["name"])
BUILD = Info("process_build", "What runs, by the version that whoever built it gave it")
NAP_SECONDS = 0.1


def loop_watch() -> Repeating:
    async def turn() -> None:
        started = time.perf_counter()
        await asyncio.sleep(NAP_SECONDS)
        LOOP_LATE.set(max(0.0, time.perf_counter() - started - NAP_SECONDS))

    return Repeating("event loop watch", turn, every_seconds=1)


def exposition(
    registry: CollectorRegistry, health: Health, pages: ASGIApp | None, metrics_network: IPv4Network
) -> Starlette:
    """`/health/live` answers 200 while the loop turns; `/health/ready` answers 503 with the obstacles by name;
    `/health/accepting` 503 only before the process stops. Proxies ask this one: texts are taken while Kafka is away.

    `/metrics` answers `metrics_network` alone, and nobody through a proxy.
    """
    # A second series for each counter, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]

    async def metrics(request: Request) -> Response:
        if not _is_within(request, metrics_network):
            return Response(status_code=HTTPStatus.FORBIDDEN)
        obstacles = health.obstacles()
        for name in health.watched:
            OBSTACLE.labels(name).set(name in obstacles)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def live(_request: Request) -> Response:
        return JSONResponse({"live": True})

    async def accepting(_request: Request) -> Response:
        return JSONResponse({"accepting": health.accepting}, status_code=200 if health.accepting else 503)

    async def ready(_request: Request) -> Response:
        obstacles = health.obstacles() | ({} if health.accepting else {"stopping": "told to stop"})
        return JSONResponse({"ready": not obstacles, "obstacles": obstacles}, status_code=503 if obstacles else 200)

    answers = {"/metrics": metrics, "/health/live": live, "/health/accepting": accepting, "/health/ready": ready}
    routes: list[BaseRoute] = [Route(path, answer) for path, answer in answers.items()]
    app = Starlette(routes=routes)
    if pages is not None:
        # A Mount does not match a path with a line break, and answers it with a text of its own.
        app.router.default = pages
    return app


def _is_within(request: Request, network: IPv4Network) -> bool:
    forwarded = any(each in request.headers for each in ("x-forwarded-for", "forwarded"))
    return request.client is not None and not forwarded and ip_address(request.client.host) in network


HEADERS_WITHIN_SECONDS = 10.0
HEADER_BYTES = 32_768
MOST_FILES = 65_536
"""This process asks for as many open files, or for as many as the machine gives it."""


def raise_file_limit() -> int:
    """Every connection is an open file, and 1,024 are the usual limit. Returns how many there may be."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    if wished > now:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wished, most))
    return max(wished, now)


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, which by itself waits for ever for a request's headers.

    Of the connections without a whole request, the oldest is closed for a new one where there are too many: who has
    something to say has said it by then.
    """

    most_waiting: ClassVar[int] = 400
    """Of this process; `Web` sets it by the limit of open files."""
    _waiting: ClassVar[dict["BoundedConnection", None]] = {}
    """Those without a whole request, oldest first."""
    _headers_due: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_headers()
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._headers_due is not None:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_headers()
        self._await_request()

    def on_headers_complete(self) -> None:
        self._forget_headers()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._await_request()

    def _await_headers(self) -> None:
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(HEADERS_WITHIN_SECONDS, self.transport.abort)

    def _forget_headers(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
        self._headers_due, self._header_bytes = None, 0

    def _await_request(self) -> None:
        self._waiting.setdefault(self)
        if len(self._waiting) > self.most_waiting:
            oldest: Any = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.transport.abort()


class _Server(uvicorn.Server):
    """Leaves signals alone: uvicorn re-raises SIGTERM, and the process would end with 143 before its parts stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Looks once a second, for the Date header. uvicorn's own loop looks ten times a second for its end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.leaving.wait(), 1)


class Web:
    """The HTTP server, as a part. Replicas on one machine share the port by SO_REUSEPORT.

    `closing` is called before the server waits for its connections to end. It must end responses that never end by
    themselves.
    """

    def __init__(
        self, pages: ASGIApp, port: int, host: str = "127.0.0.1", *, closing: Callable[[], None] = lambda: None
    ) -> None:
        config = uvicorn.Config(
            pages,
            http=BoundedConnection,  # by httptools, in C: the other parser is half of what a small request costs
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
        )
        self._server = _Server(config)
        self._address = (host, port)
        self._serving: asyncio.Task[None] | None = None
        self._closing = closing

    async def start(self) -> None:
        BoundedConnection.most_waiting = raise_file_limit() // 2
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(self._address)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        self._closing()
        self._server.should_exit = True
        self._server.leaving.set()
        if self._serving is not None:
            await self._serving
