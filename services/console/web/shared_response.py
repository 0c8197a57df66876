"""One answer for all who ask at the same time: many screens follow the same page, and each change would be read for each."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from services.console.web.changes import Changes

GOOD_FOR_SECONDS = 1.0
"""The page says what time it is, so that even without a change it is made anew after this."""


class SharedResponse:
    """Of one page. Whoever asks after a change never gets an answer from before it."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._making = asyncio.Lock()
        self._answer: Response | None = None
        self._told = -1
        self._made_at = 0.0

    async def answer(self, fresh: Callable[[], Awaitable[Response]]) -> Response:
        """`fresh` is called by one of those who wait, for all of them."""
        async with self._making:
            now = asyncio.get_running_loop().time()
            if self._answer is None or self._told != self._changes.told or now - self._made_at > GOOD_FOR_SECONDS:
                told = self._changes.told
                self._answer = await fresh()
                self._told, self._made_at = told, now
            return self._answer
