"""Serves a process's pages over HTTP, as one of its parts.

Connections are bounded in time, size and number: whoever asks nothing holds up nobody.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
