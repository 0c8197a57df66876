"""Decides a delivery's next state after the result of an attempt. Pure: now, age and chance are passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.platform.delivery.backoff import schedule_of
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.model import MediumName, State
from services.safeguarding.duty.evidence import AttemptResult
from services.safeguarding.duty.outcomes import FailureReason

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
    """`uncertain`: an earlier attempt may have arrived. That this one has not says nothing about it, so the state stays unknown.

    `patience`: the least time to the next attempt, where the result was lost.
    """
    if result.result is AttemptResult.ACCEPTED:
        return Transition(State.ACCEPTED, now)
    if result.result is AttemptResult.REFUSED:
        return Transition(State.FAILED, now, result.reason or "refused")
    delay = schedule_of(urgent=urgent).delay(now - created_at, chance=chance, retry_after=result.retry_after)
    if delay is None:
        return Transition(State.FAILED, now, "retries-spent")
    if result.result is AttemptResult.UNKNOWN:
        return Transition(State.UNKNOWN, now + max(delay, patience))
    return Transition(State.UNKNOWN if uncertain else State.WAITING, now + delay)
