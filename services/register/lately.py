"""What this process read of the register a moment ago, for what hardly ever changes and harms nobody when it is seconds old."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

FRESH_SECONDS = 2.0

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lately(Generic[K, V]):
    """Never for who holds a role, or how a person is reached: that is asked at each telling."""

    def __init__(self) -> None:
        self._read: dict[K, tuple[float, V]] = {}

    async def of(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        """As it was read within the last seconds, or as `read` reads it now. A few keys are expected: an authority each."""
        now = time.monotonic()
        known = self._read.get(key)
        if known is not None and now - known[0] < FRESH_SECONDS:
            return known[1]
        value = await read()
        self._read[key] = (now, value)
        return value
