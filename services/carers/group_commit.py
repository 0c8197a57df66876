"""Texts that come while others are being committed are committed together next: the busier it is, the larger the groups."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.carers.text import Text
from services.store.failures import passes_by_itself

MOST = 200


class GroupCommit:
    """`commit` writes all of several texts, or none. At most one group is under way."""

    def __init__(self, commit: Callable[[Sequence[Text]], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[Text, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def put(self, text: Text) -> None:
        """Returns when the text is committed. Raises what kept it from being so."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, committed))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await committed

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._put(group)
        finally:
            self._running = None

    async def _put(self, group: list[tuple[Text, asyncio.Future[None]]]) -> None:
        """A text that cannot be written for a reason of its own must not take the others with it: then each goes alone."""
        try:
            await self._commit([text for text, _ in group])
        except Exception as error:  # noqa: BLE001 whoever waits for the text is told
            if len(group) > 1 and not passes_by_itself(error):
                for each in group:
                    await self._put([each])
                return
            for _, committed in group:
                if not committed.done():
                    committed.set_exception(error)
        else:
            for _, committed in group:
                if not committed.done():
                    committed.set_result(None)
