"""Runs a process's parts on one asyncio loop: starts them in order, stops them in reverse on SIGTERM or SIGINT.

Tells whether it is ready (nothing that it waits for is away) and accepting (not about to stop). A part that turns
again and again is a `Repeating`.
"""

import asyncio
import contextlib
import gc
import math
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from services.platform.runtime.logs import logger


class Health:
    """Collects obstacles. A source returns None while all is well, else a short reason without personal data."""

    def __init__(self) -> None:
        self.accepting = True
        self._sources: dict[str, Callable[[], str | None]] = {}

    def watch(self, name: str, source: Callable[[], str | None]) -> None:
        self._sources[name] = source

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(self._sources)

    def obstacles(self) -> dict[str, str]:
        found = {name: source() for name, source in self._sources.items()}
        return {name: reason for name, reason in found.items() if reason is not None}


class Drain:
    """Starts last and stops first. Tells proxies to send no more, and waits until they have noticed. Meanwhile
    everything that comes is taken as before.
    """

    def __init__(self, health: Health, seconds: float) -> None:
        self._health = health
        self._seconds = seconds

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self._health.accepting = False
        await asyncio.sleep(self._seconds)


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


T = TypeVar("T")
R = TypeVar("R")
AGAIN_SECONDS = 2.0
"""The longest pause after a failed turn: a loop of ten minutes must not keep its service unready for as long."""
LASTS_SECONDS = 300.0
"""A turn that lasts longer than this is shown as an obstacle: it may never end."""
TOGETHER_SECONDS = 0.1
"""Moments of `wake_after` that lie so close together share one turn, at the end of this span."""


async def run_each(turn: Callable[[T], Awaitable[R]], several: Iterable[T]) -> list[R]:
    """Runs the turn with each, also after it has failed with one. Raises the last failure, once all had theirs."""
    done, failure = list[R](), None
    for each in several:
        try:
            done.append(await turn(each))
        except Exception as error:  # noqa: BLE001 raised below
            failure = error
    if failure is not None:
        raise failure
    return done


class Repeating:
    """Calls `turn` every `every_seconds`, or sooner when woken. A failed turn is logged, shown as `obstacle()`, and
    tried again within `again_seconds`.

    A turn returns True when there is more to do at once; one that always waits for the next returns nothing.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[bool | None]],
        *,
        every_seconds: float,
        again_seconds: float | None = None,
    ) -> None:
        self.name = name
        self._turn = turn
        self._every_seconds = every_seconds
        self._again_seconds = again_seconds
        self._woken = asyncio.Event()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._failure: str | None = None
        self._turns_since: float | None = None

    def wake(self) -> None:
        self._woken.set()

    def wake_after(self, seconds: float) -> None:
        """Has a turn come after so long, in addition to those that other calls have asked for."""
        loop = asyncio.get_running_loop()
        moment = math.ceil((loop.time() + max(0.0, seconds)) / TOGETHER_SECONDS)
        if moment not in self._timers and not self._stopping:
            self._timers[moment] = loop.call_at(moment * TOGETHER_SECONDS, self._wake_now, moment)

    def wake_when_due(self, due_at: datetime | None, now: datetime) -> bool:
        """Whether it is due now. If not, wakes the loop when it is; never for None."""
        if due_at is None or due_at <= now:
            return due_at is not None
        self.wake_after((due_at - now).total_seconds())
        return False

    def obstacle(self) -> str | None:
        if self._task is not None and self._task.done() and not self._stopping:
            return f"{self.name} has ended"
        if self._turns_since is not None and time.monotonic() - self._turns_since > LASTS_SECONDS:
            return f"{self.name}: a turn does not end"
        return self._failure

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        self._stopping = True
        self._woken.set()
        for timer in self._timers.values():
            timer.cancel()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            more: bool | None = False
            self._turns_since = time.monotonic()
            try:
                more = await self._turn()
                self._failure = None
            except Exception as error:  # noqa: BLE001 the next turn tries again; readiness shows the failure
                self._failure = type(error).__name__
                logger().warning("a turn failed and will be tried again", name=self.name, exc_info=error)
            finally:
                self._turns_since = None
            if more:
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause())

    def _wake_now(self, moment: int) -> None:
        del self._timers[moment]
        self.wake()

    def _pause(self) -> float:
        again = AGAIN_SECONDS if self._again_seconds is None else self._again_seconds
        return self._every_seconds if self._failure is None else min(self._every_seconds, again)
