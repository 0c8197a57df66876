"""Tells the two times. Story time rules duties and deadlines; wall time rules leases and retries.

Wall time is the database's clock, once that has been read: processes that share rows share their times (decision 111).
Story time is wall time plus an offset that only grows and is zero outside the sandbox. This is the one module that
reads the machine's clock; everything else has the time passed in.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=0.5)
"""Clocks that are kept are closer. Two processes may be twice as far apart: leases and sweeps allow for more."""
FOLLOWED_MOST = timedelta(days=1)
"""A database whose clock is further off is not followed: by the wrong year, disposal would delete everything."""


class Clocks:
    """One for each process. `services.platform.store.story_clock` keeps them up to date."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset
        self._zero: datetime | None = None
        """The time at which the stopwatch stood at zero. None: no database's clock is followed."""
        self.moved_to = datetime.min.replace(tzinfo=UTC)
        """Where story time was when it had last moved. What was due in the time that it skipped is not late."""
        self._on_move: list[Callable[[], None]] = []

    def wall(self) -> datetime:
        return self._now()

    def story(self) -> datetime:
        return self._now() + self._offset

    def own(self) -> datetime:
        """The machine's clock, for what is compared with a clock outside, as signatures are: a wrong clock of the
        database must not get all of them refused.
        """
        return datetime.now(UTC)

    @property
    def offset(self) -> timedelta:
        return self._offset

    def follow(self, theirs: datetime, asked_at: float) -> bool:
        """Follows the database's clock, which said `theirs` when asked at `asked_at` of the stopwatch. From then on
        the stopwatch alone counts: changes of the machine's clock have no effect. True if it is not what was followed
        so far: the database's clock has been set, or the database has moved to another machine.
        """
        followed, zero = self._zero is not None, self._zero or self.own() - _stopwatch()
        off = apart(theirs, zero + _stopwatch(), asked_at)
        if followed and abs(off) <= TOLERANCE:
            return False
        self._zero = zero + off if abs(off) <= FOLLOWED_MOST else None
        return followed

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

    def _now(self) -> datetime:
        return self.own() if self._zero is None else self._zero + _stopwatch()


def apart(theirs: datetime, now: datetime, asked_at: float) -> timedelta:
    """How far a clock that said `theirs`, at some moment since it was asked, is ahead of `now`, at the least."""
    took = timedelta(seconds=time.monotonic() - asked_at)
    return max(theirs - now, timedelta()) + min(theirs - now + took, timedelta())


def _stopwatch() -> timedelta:
    return timedelta(seconds=time.monotonic())
