"""Bounds what strangers' texts may take at once: each may tell a duty team, and what follows goes beside reports.

Times are wall times.
"""

from datetime import datetime, timedelta

AT_ONCE = 20
A_SECOND = 2.0
"""On two cores, all that follows 2 strangers' texts takes less than half of what there is."""
DOOR_AT_ONCE = 60
DOOR_A_SECOND = 10.0
REPEATED_WITHIN = timedelta(minutes=1)
"""Twilio repeats within 15 s."""
MOST_SENT_BACK = 10_000


class StrangersShare:
    """Whoever is beyond it waits: of what was kept, in the database."""

    def __init__(self, at_once: int = AT_ONCE, a_second: float = A_SECOND) -> None:
        self._at_once, self._a_second, self._left = at_once, a_second, float(at_once)
        self._as_of: datetime | None = None

    def allows(self, now: datetime) -> bool:
        passed = (now - (self._as_of or now)).total_seconds()
        self._left = min(self._at_once, self._left + max(0.0, passed) * self._a_second)
        self._as_of = now
        return self._left >= 1

    def take(self) -> None:
        """For a text that is being read. Several that were allowed at once may each take one."""
        self._left -= 1


class DoorShare:
    """Which strangers' texts Twilio is asked to send again, each once. Its repeat is taken: Twilio gives up after five,
    within 15 s, and each of several processes may ask for the same text.

    Every text counts, so that of a sender nothing need be known while there is room.
    """

    def __init__(self, at_once: int = DOOR_AT_ONCE) -> None:
        self._share = StrangersShare(at_once, DOOR_A_SECOND)
        self._sent_back: dict[str, datetime] = {}
        """When, by the text's id, oldest first."""

    def has_room(self, sid: str, now: datetime) -> bool:
        while self._sent_back and now - next(iter(self._sent_back.values())) > REPEATED_WITHIN:
            del self._sent_back[next(iter(self._sent_back))]
        if sid in self._sent_back or len(self._sent_back) >= MOST_SENT_BACK:
            return True
        if has_room := self._share.allows(now):
            self._share.take()
        return has_room

    def send_back(self, sid: str, now: datetime) -> None:
        self._sent_back[sid] = now
