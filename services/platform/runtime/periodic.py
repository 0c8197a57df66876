"""Repeats a sweep, a claim or another turn for ever. The next turn makes good what a failed one could not do."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TypeVar

from services.platform.runtime.logs import logger

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
