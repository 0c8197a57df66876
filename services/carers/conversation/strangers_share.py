"""Bounds how many strangers' texts a process reads: each may tell a duty team, and what follows goes beside reports."""

from datetime import datetime

AT_ONCE = 20
A_SECOND = 2.0
"""On two cores, all that follows 2 strangers' texts takes less than half of what there is."""


class StrangersShare:
    """Whoever is beyond it waits in the database; nothing is refused. Times are wall times."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once, self._left = at_once, float(at_once)
        self._as_of: datetime | None = None

    def allows(self, now: datetime) -> bool:
        passed = (now - (self._as_of or now)).total_seconds()
        self._left = min(self._at_once, self._left + max(0.0, passed) * A_SECOND)
        self._as_of = now
        return self._left >= 1

    def take(self) -> None:
        """For a text that is being read. Several that were allowed at once may each take one."""
        self._left -= 1
