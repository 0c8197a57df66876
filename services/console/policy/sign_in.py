"""When a sign-in is refused unheard, and how long one holds. Wall time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_COUNT_FOR = timedelta(minutes=15)
FAILURES_FROM_ONE_PLACE = 5
"""Of one name. From elsewhere the same name may still be tried: else anybody could keep the duty manager out."""
FAILURES_OF_ONE_NAME = 50
FAILURES_OF_ONE_PLACE = 30
"""Whatever names are tried: each costs a check of a password, and an invented one as much as another."""
PASSWORD_LENGTH = range(12, 129)
"""Length is all that is asked of a password (NIST SP 800-63B, 5.1.1.2)."""


def is_held_back(*, from_this_place: int, from_anywhere: int, of_this_place: int) -> bool:
    """Failures within `FAILURES_COUNT_FOR`: of a name, from here and from anywhere, and of any name from here. Names that do not
    exist are counted alike, so that none is found out.
    """
    return (
        from_this_place >= FAILURES_FROM_ONE_PLACE
        or from_anywhere >= FAILURES_OF_ONE_NAME
        or of_this_place >= FAILURES_OF_ONE_PLACE
    )


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session holds: unused, and at most. A page that only follows changes uses nothing, and keeps showing until
    the most is over, so that a screen on the wall need not be signed in every hour.
    """

    unused: timedelta = timedelta(hours=1)
    most: timedelta = timedelta(hours=12)

    def holds(self, *, begun_at: datetime, used_at: datetime, now: datetime, following: bool) -> bool:
        return now - begun_at < self.most and (following or now - used_at < self.unused)
