"""Tells the two times. Story time rules duties and deadlines; wall time rules signatures, leases and retries.

Story time is wall time plus an offset that only grows and is zero outside the sandbox. This is the one module that
reads the machine's clock; everything else has the time passed in.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clocks:
    """One for each process. `offset` is kept up to date by `services.platform.store.story_time.story_clock`."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset
        self.moved_to = datetime.min.replace(tzinfo=UTC)
        """Where story time was when it had last moved. What was due in the time that it skipped is not late."""
        self._on_move: list[Callable[[], None]] = []

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def story(self) -> datetime:
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        return self._offset

    def move_to(self, offset: timedelta) -> None:
        """Story time never goes back: a smaller offset than the present one is ignored."""
        if offset > self._offset:
            self._offset = offset
            self.moved_to = self.story()
            for act in self._on_move:
                act()

    def on_move(self, act: Callable[[], None]) -> None:
        """Calls `act` whenever story time has moved: whoever waits for a moment of it looks again."""
        self._on_move.append(act)
