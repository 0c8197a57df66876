"""One asyncio loop a process: its parts start in order, run until SIGTERM or SIGINT, and stop in reverse order."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import uvicorn
from starlette.types import ASGIApp

from services.platform.runtime.logs import logger

STOP_WITHIN_SECONDS = 8
ENDS_WITHIN_SECONDS = 30
"""After a part has failed for good: for the orderly stop of the others."""


class Part(Protocol):
    """Something that runs beside others: a consumer, a publisher, a delivery loop.

    `start` returns once it runs. `stop` returns once nothing of it runs any more; what was in hand is either finished or
    left to be taken up again, never half done.
    """

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@runtime_checkable
class Failing(Part, Protocol):
    """A part that may fail for good while it runs, so that nothing but a new process would help."""

    async def failed(self) -> None:
        """Waits as long as it works, and raises what it failed with."""


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn re-raises SIGTERM, and the process would end with 143 before its other parts stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Web:
    """The HTTP server, as a part. Replicas on one machine share the port by SO_REUSEPORT.

    `closing` is called before the server waits for its connections to end: for answers that would never end by themselves.
    """

    def __init__(
        self, pages: ASGIApp, port: int, host: str = "127.0.0.1", *, closing: Callable[[], None] = lambda: None
    ) -> None:
        config = uvicorn.Config(
            pages,
            http="httptools",  # in C: the other parser is half of what a small request costs
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
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(self._address)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def stop(self) -> None:
        self._closing()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


async def run_until_told(parts: Sequence[Part]) -> None:
    """Returns after an orderly stop. A part that cannot start, or fails for good later, ends the process with its error, the started
    ones stopped first; whoever keeps the process running starts it again.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    async with contextlib.AsyncExitStack() as started:
        for part in parts:
            await part.start()
            started.push_async_callback(_stop, part)
        _set_aside_what_stays()
        logger().info("the service runs")
        await _until(told, parts)
        logger().info("the service stops")


async def _until(told: asyncio.Event, parts: Sequence[Part]) -> None:
    """Raises what a part has failed with."""
    waits = asyncio.create_task(told.wait())
    watched = [asyncio.create_task(part.failed()) for part in parts if isinstance(part, Failing)]
    ended, going_on = await asyncio.wait({waits, *watched}, return_when=asyncio.FIRST_COMPLETED)
    for each in going_on:
        each.cancel()
    if waits in ended:
        return
    # What failed may have left a thread that never ends, for which Python would wait on its way out.
    signal.alarm(ENDS_WITHIN_SECONDS)
    for each in ended:
        logger().error("a part has failed for good and the process ends", exc_info=each.exception())
        each.result()


def _set_aside_what_stays() -> None:
    """Modules, rules and models live as long as the process: looking through them for garbage again and again took an eighth of
    the engine's time. What is new is looked through after 10,000 things rather than 700, most of which are gone by then.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _stop(part: Part) -> None:
    try:
        await asyncio.wait_for(part.stop(), STOP_WITHIN_SECONDS)
    except TimeoutError:
        logger().warning("a part did not stop in time", name=type(part).__name__)
