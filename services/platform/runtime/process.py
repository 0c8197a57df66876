"""Runs a process's parts on one asyncio loop: starts them in order, stops them in reverse on SIGTERM or SIGINT."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from services.platform.runtime.logs import logger

STOP_WITHIN_SECONDS = 8
ENDS_WITHIN_SECONDS = 30
"""For the orderly stop of the other parts after one has failed for good."""


class Part(Protocol):
    """A component that runs beside others: a consumer, an outbox relay, a delivery loop.

    `start` returns once it runs. `stop` returns once it has ended; work in hand is then either finished or left to be
    taken up again, never half done.
    """

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@runtime_checkable
class Failing(Part, Protocol):
    """A part that may fail for good while it runs, so that only a new process helps."""

    async def wait_for_failure(self) -> None:
        """Waits while the part works, and raises the error that it failed with."""


async def run_until_told(parts: Sequence[Part]) -> None:
    """Returns after an orderly stop. Raises the error of a part that cannot start or fails for good later, after
    stopping the others; the supervisor then starts the process again.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    async with contextlib.AsyncExitStack() as started:
        for part in parts:
            await part.start()
            started.push_async_callback(_stop, part)
        _freeze_long_lived_objects()
        logger().info("the service runs")
        await _until(told, parts)
        logger().info("the service stops")


async def _until(told: asyncio.Event, parts: Sequence[Part]) -> None:
    """Raises the error of a part that has failed."""
    waits = asyncio.create_task(told.wait())
    watched = [asyncio.create_task(part.wait_for_failure()) for part in parts if isinstance(part, Failing)]
    ended, going_on = await asyncio.wait({waits, *watched}, return_when=asyncio.FIRST_COMPLETED)
    for each in going_on:
        each.cancel()
    if waits in ended:
        return
    # The failed part may have left a thread that never ends, for which Python would wait on its way out.
    signal.alarm(ENDS_WITHIN_SECONDS)
    for each in ended:
        logger().error("a part has failed for good and the process ends", exc_info=each.exception())
        each.result()


def _freeze_long_lived_objects() -> None:
    """Freezes the objects that live as long as the process (modules, rules, models): scanning them for garbage took an
    eighth of the engine's time. New objects are scanned after 100,000 allocations rather than 700, when most are gone
    again: to read one child's case makes some thousands for a moment.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


async def _stop(part: Part) -> None:
    try:
        await asyncio.wait_for(part.stop(), STOP_WITHIN_SECONDS)
    except TimeoutError:
        logger().warning("a part did not stop in time", name=type(part).__name__)
