"""Repeats a sweep, a claim or another turn for ever. The next turn makes good what a failed one could not do."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from services.platform.runtime.logs import logger

AGAIN_SECONDS = 2.0
"""The longest pause after a failed turn: a loop of ten minutes must not keep its service unready for as long."""


class Repeating:
    """Calls `turn` every `every_seconds`, or sooner when woken. A failed turn is logged, shown as `obstacle()`, and
    tried again within two seconds.

    A turn returns True when there is more to do at once.
    """

    def __init__(self, name: str, turn: Callable[[], Awaitable[bool]], *, every_seconds: float) -> None:
        self.name = name
        self._turn = turn
        self._every_seconds = every_seconds
        self._woken = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._failure: str | None = None

    def wake(self) -> None:
        self._woken.set()

    def obstacle(self) -> str | None:
        return self._failure

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        self._stopping = True
        self._woken.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            more = False
            try:
                more = await self._turn()
                self._failure = None
            except Exception as error:  # noqa: BLE001 the next turn tries again; readiness shows the failure
                self._failure = type(error).__name__
                logger().warning("a turn failed and will be tried again", name=self.name, exc_info=error)
            if more:
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause())

    def _pause(self) -> float:
        return self._every_seconds if self._failure is None else min(self._every_seconds, AGAIN_SECONDS)
