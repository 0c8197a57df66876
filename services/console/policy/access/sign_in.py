"""Limits how often a sign-in may fail, and how long a session and a proof of who somebody is last. Wall time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_COUNT_FOR = timedelta(minutes=15)
FAILURES_FROM_ONE_PLACE = 5
"""Of one name. There is no limit for a name from everywhere: by it, anybody could lock the duty manager out. Guesses
from many places still need the second factor, whose wrong codes count as one place.
"""
FAILURES_OF_ONE_PLACE = 30
"""Of any names: each attempt costs a password check, also for a name that does not exist."""
PASSWORD_LENGTH = range(12, 129)
"""Length is the only rule for a password (NIST SP 800-63B, 5.1.1.2)."""
PROVED_FOR = timedelta(minutes=15)
"""To be told who a child is, or to stand a search down, somebody has signed in, or shown their second factor, within
this time. Whoever opened the form in time has as long again to send it.
"""
ASKED_FOR = timedelta(minutes=5)
"""A provider's word that somebody may come in holds for this long: then the next page asks it again."""
ASKED_AT_LATEST = timedelta(minutes=15)
"""After this, nothing is shown or taken before the provider was asked, on a page that only follows changes either."""


def is_held_back(*, from_this_place: int, of_this_place: int) -> bool:
    """Takes the failures within `FAILURES_COUNT_FOR`: of this name from this place, and of any name from this place.
    Names that do not exist count too, so that an attacker cannot tell them apart. A device that the name's owner has
    signed in from is a place of its own.
    """
    return from_this_place >= FAILURES_FROM_ONE_PLACE or of_this_place >= FAILURES_OF_ONE_PLACE


@dataclass(frozen=True, slots=True)
class Session:
    """`proved_at`: when they last showed who they are. `asked_at`: when their organisation was last asked whether they
    may come in; None for a local account. `unanswered_since`: when it was first asked in vain, None once it answers.
    """

    begun_at: datetime
    used_at: datetime
    proved_at: datetime
    asked_at: datetime | None
    unanswered_since: datetime | None = None

    def is_proved(self, now: datetime, *, sending: bool = False) -> bool:
        """`sending`: a form that was opened before."""
        return now - self.proved_at < PROVED_FOR * (2 if sending else 1)

    def asks_provider(self, now: datetime, *, is_page: bool) -> bool:
        """Whether the organisation has to be asked first whether they may still come in. `is_page`: a page that
        somebody opens, which comes back by itself.
        """
        return self.asked_at is not None and now - self.asked_at >= (ASKED_FOR if is_page else ASKED_AT_LATEST)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts unused, and in total.

    A page that only follows changes does not count as use and needs none, so that a screen on the wall shows until the
    total is over.
    """

    unused: timedelta = timedelta(hours=1)
    total: timedelta = timedelta(hours=12)

    def allow(self, session: Session, now: datetime, *, following: bool) -> bool:
        return now - session.begun_at < self.total and (following or now - session.used_at < self.unused)
