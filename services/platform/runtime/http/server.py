"""Serves a process's pages over HTTP, as one of its parts."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from services.platform.runtime.http.connections import BoundedConnection, raise_file_limit


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
