"""Shares one rendered answer among all screens on the same page, so that a change is read once for all."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from services.console.web.changes import Changes

GOOD_FOR_SECONDS = 1.0
"""The page shows the time, so it is rendered anew after this even without a change."""


class SharedResponse:
    """Of one page. A request after a change never gets an answer from before it."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._rendering = asyncio.Lock()
        self._answer: Response | None = None
        self._count = -1
        self._rendered_at = 0.0

    async def answer(self, render: Callable[[], Awaitable[Response]]) -> Response:
        """One of the requests that wait calls `render`, for all of them."""
        async with self._rendering:
            now = asyncio.get_running_loop().time()
            is_old = self._count != self._changes.count or now - self._rendered_at > GOOD_FOR_SECONDS
            if self._answer is None or is_old:
                count = self._changes.count
                self._answer = await render()
                self._count, self._rendered_at = count, now
            return self._answer
