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
        if not self.is_fresh(key):
            self.keep(key, await read())
        return self.last(key)

    def is_fresh(self, key: K) -> bool:
        return key in self._read and time.monotonic() - self._read[key][0] < FRESH_SECONDS

    def last(self, key: K) -> V:
        """However old. Raises KeyError for what was never kept."""
        return self._read[key][1]

    def keep(self, key: K, value: V) -> None:
        self._read[key] = (time.monotonic(), value)
