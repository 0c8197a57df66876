"""Limits concurrent sign-ins: each password check occupies a core, and everybody behind it waits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MOST, MOST_FROM_ONE_PLACE = 20, 10
"""Within one process. One place alone never fills it: somebody on duty elsewhere still gets in, within seconds."""


class SignInLimiter:
    """Counts, in memory, the sign-ins that are under way in this process."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def slot(self, place: str) -> Iterator[bool]:
        """False if there is no room: then neither the database nor a password may be looked at."""
        if self._under_way.total() >= MOST or self._under_way[place] >= MOST_FROM_ONE_PLACE:
            yield False
            return
        self._under_way[place] += 1
        try:
            yield True
        finally:
            self._under_way[place] -= 1
            if not self._under_way[place]:
                del self._under_way[place]
