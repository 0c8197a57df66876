"""What becomes of a parcel after an answer. Pure: now, age and chance are passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.delivery.medium import Answer
from services.delivery.parcel import FailureReason, State
from services.delivery.schedule import schedule_of
from services.safeguarding.evidence import AttemptResult

CALLBACK_PATIENCE = timedelta(seconds=10)
"""After a lost answer: time for the provider's own report to arrive, before anybody asks."""


@dataclass(frozen=True, slots=True)
class Settled:
    """`reason` is set where it ends here."""

    state: State
    next_attempt_at: datetime
    reason: FailureReason | None = None


def settle(
    answer: Answer, *, created_at: datetime, urgent: bool, now: datetime, chance: float, uncertain: bool = False
) -> Settled:
    """`uncertain`: an attempt before this one may have arrived. That this one has not says nothing of it, so it stays unknown."""
    if answer.result is AttemptResult.ACCEPTED:
        return Settled(State.ACCEPTED, now)
    if answer.result is AttemptResult.REFUSED:
        return Settled(State.FAILED, now, answer.reason or "refused")
    delay = schedule_of(urgent=urgent).delay(now - created_at, chance=chance, retry_after=answer.retry_after)
    if delay is None:
        return Settled(State.FAILED, now, "retries-spent")
    if answer.result is AttemptResult.UNKNOWN:
        return Settled(State.UNKNOWN, now + max(delay, CALLBACK_PATIENCE))
    return Settled(State.UNKNOWN if uncertain else State.WAITING, now + delay)
