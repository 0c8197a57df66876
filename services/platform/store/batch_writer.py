"""Commits several units of work in one transaction: the busier it is, the larger the groups."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from services.platform.store.transient_errors import is_transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[T]):
    one: T
    committed: asyncio.Future[None]


class GroupCommit(Generic[T]):
    """`commit` writes all of several, or none. At most `at_once` groups are under way, of `most` at most.

    `gather_seconds`: how long the first of a group waits for others, unless the group is full before or somebody
    hurries.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[None]],
        *,
        most: int,
        at_once: int = 1,
        gather_seconds: float = 0.0,
    ) -> None:
        self._commit = commit
        self._most, self._at_once = most, at_once
        self._gather_seconds = gather_seconds
        self._waiting: list[_Waiting[T]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Future[None]] = set()
        self._hurried = asyncio.Event()
        self._closed = False

    def hurry(self) -> None:
        """Whatever waits for others waits no longer."""
        if self._waiting:
            self._hurried.set()

    async def put(self, one: T, *, hurries: bool = False) -> None:
        """Returns when it is committed. One that `hurries` waits for no others. Raises what kept it from being so, and
        CancelledError where this was closed first.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            committed.cancel()
            await committed
        self._asked.add(committed)
        committed.add_done_callback(self._asked.discard)
        self._waiting.append(_Waiting(one, committed))
        if hurries or len(self._waiting) >= self._most:
            self.hurry()
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        await committed

    async def close(self) -> None:
        """Cancels the callers that still wait. A transaction under way is rolled back, unless it was committed."""
        self._closed = True
        for running in list(self._running):
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        for committed in list(self._asked):
            committed.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self._gather_seconds:
                    await self._gather()
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._put(group)
        finally:
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._gather_seconds):
                await self._hurried.wait()
        if len(self._waiting) <= self._most:
            self._hurried.clear()

    async def _put(self, group: list[_Waiting[T]]) -> None:
        """One that cannot be written for a reason of its own must not take the others with it: then each goes alone."""
        try:
            await self._commit([each.one for each in group])
        except Exception as error:  # noqa: BLE001 whoever waits for it is told
            if len(group) > 1 and not is_transient(error):
                for each in group:
                    await self._put([each])
                return
            for each in group:
                if not each.committed.done():
                    each.committed.set_exception(error)
        else:
            for each in group:
                if not each.committed.done():
                    each.committed.set_result(None)
