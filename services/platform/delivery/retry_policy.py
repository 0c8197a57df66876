"""Decides a delivery's next state after an attempt, and when the next one is. Pure: now, age and chance are given."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.model import MediumName, State
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import FailureReason

JITTER = 0.2
"""Delays are spread by up to this share, so that attempts which failed together are not repeated together."""
RETRY_AFTER_MOST = timedelta(minutes=5)
"""A destination may ask for a pause; not for one that outlasts the urgency."""


@dataclass(frozen=True)
class Schedule:
    """`delays` are seconds between attempts. The schedule goes by age, not by count: the attempts of a failing lane,
    made or spared, do not change when a delivery is given up.
    """

    name: str
    delays: tuple[int, ...]

    def delay(self, age: timedelta, *, chance: float, retry_after: timedelta | None = None) -> timedelta | None:
        """The time to the next attempt, `age` after the delivery was put. `chance` is in [0, 1). None: no more."""
        seconds = age.total_seconds()
        for delay, reached in zip(self.delays, accumulate(self.delays), strict=True):
            if reached > seconds:
                spread = timedelta(seconds=delay * (1 + JITTER * (2 * chance - 1)))
                return spread if retry_after is None else max(spread, min(retry_after, RETRY_AFTER_MOST))
        return None

    def pace(self, failures: int, most: timedelta) -> timedelta:
        """The time between attempts of a lane whose last `failures` attempts all failed."""
        return min(timedelta(seconds=self.delays[min(failures, len(self.delays) - 1)]), most)


_MINUTE, _HOUR = 60, 3600
_HOURS = tuple(hours * _HOUR for hours in (2, 5, 10, 14, 20, 24))
_MINUTES = tuple(minutes * _MINUTE for minutes in (1, 2, 5, 10, 30, 60))
URGENT = Schedule("urgent", (0, 2, 5, 10, 20, 30, *_MINUTES, *_HOURS))
"""Front-loaded: seven attempts in the first two minutes, the last after three days."""
NORMAL = Schedule("normal", (0, 5, 5 * _MINUTE, 30 * _MINUTE, *_HOURS))
"""The table of Standard Webhooks."""


CALLBACK_PATIENCE = timedelta(seconds=10)
"""After a lost result: time for the provider's own report to arrive, before anybody asks."""
WITHOUT_PATIENCE: frozenset[MediumName] = frozenset({"webhook", "poll"})
"""No report follows, and the receiver recognises a repeat by its id."""


@dataclass(frozen=True, slots=True)
class Transition:
    """`reason` is set where the delivery ends."""

    state: State
    next_attempt_at: datetime
    reason: FailureReason | None = None


def patience_of(medium: MediumName) -> timedelta:
    return timedelta(0) if medium in WITHOUT_PATIENCE else CALLBACK_PATIENCE


def next_state(
    result: SendResult,
    *,
    created_at: datetime,
    urgent: bool,
    now: datetime,
    chance: float,
    uncertain: bool = False,
    patience: timedelta = timedelta(0),
) -> Transition:
    """`uncertain`: an earlier attempt may have arrived. If this one has not, that says nothing about the earlier one,
    so the state stays unknown.

    `patience`: the least time to the next attempt, if the result was lost.
    """
    if result.result is AttemptResult.ACCEPTED:
        return Transition(State.ACCEPTED, now)
    if result.result is AttemptResult.REFUSED:
        return Transition(State.FAILED, now, result.reason or "refused")
    schedule = URGENT if urgent else NORMAL
    delay = schedule.delay(now - created_at, chance=chance, retry_after=result.retry_after)
    if delay is None:
        return Transition(State.FAILED, now, "retries-spent")
    if result.result is AttemptResult.UNKNOWN:
        return Transition(State.UNKNOWN, now + max(delay, patience))
    return Transition(State.UNKNOWN if uncertain else State.WAITING, now + delay)
