"""Limits how often a sign-in may fail, and how long a session lasts. Wall time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_COUNT_FOR = timedelta(minutes=15)
FAILURES_FROM_ONE_PLACE = 5
"""Of one name. From elsewhere the same name may still be tried: otherwise anybody could lock the duty manager out."""
FAILURES_OF_ONE_NAME = 50
FAILURES_OF_ONE_PLACE = 30
"""Of any names: each attempt costs a password check, also for a name that does not exist."""
PASSWORD_LENGTH = range(12, 129)
"""Length is the only rule for a password (NIST SP 800-63B, 5.1.1.2)."""


def is_held_back(*, from_this_place: int, from_anywhere: int, of_this_place: int) -> bool:
    """Takes the failures within `FAILURES_COUNT_FOR`: of this name from this place, of this name from anywhere, and of
    any name from this place. Names that do not exist count too, so that an attacker cannot tell them apart.
    """
    return (
        from_this_place >= FAILURES_FROM_ONE_PLACE
        or from_anywhere >= FAILURES_OF_ONE_NAME
        or of_this_place >= FAILURES_OF_ONE_PLACE
    )


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts unused, and in total.

    A page that only follows changes does not count as use and needs none, so that a screen on the wall shows until the
    total is over.
    """

    unused: timedelta = timedelta(hours=1)
    total: timedelta = timedelta(hours=12)

    def allow(self, *, begun_at: datetime, used_at: datetime, now: datetime, following: bool) -> bool:
        return now - begun_at < self.total and (following or now - used_at < self.unused)
