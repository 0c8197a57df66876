"""Tells the two times. Story time rules duties and deadlines; wall time rules signatures, leases and retries.

Story time is wall time plus an offset that only grows and is zero outside the sandbox. This is the one module that
reads the machine's clock; everything else has the time passed in.
"""

from datetime import UTC, datetime, timedelta


class Clocks:
    """One for each process. `offset` is kept up to date by `services.platform.store.story_time.story_clock`."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def story(self) -> datetime:
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        return self._offset

    def move_to(self, offset: timedelta) -> None:
        """Story time never goes back: a smaller offset than the present one is ignored."""
        self._offset = max(self._offset, offset)
