"""What every medium answers: taken, not now, not ever, or nobody knows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from services.delivery.parcel import FailureReason
from services.safeguarding.outcomes import AttemptResult

MediumName: TypeAlias = Literal["webhook", "text", "email"]


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt. `uncertain`: an earlier one may have arrived. `created_at` and `now` are wall time."""

    id: UUID
    attempt: int
    recipient: str
    body: str
    secrets: tuple[str, ...]
    urgent: bool
    uncertain: bool
    created_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is HTTP's or the provider's own error code; `reason` is why no further attempt would help."""

    result: AttemptResult
    status: int | None = None
    reason: FailureReason | None = None
    provider_id: str | None = None
    retry_after: timedelta | None = None

    @property
    def lane_fails(self) -> bool:
        """Whether it speaks against the destination rather than against this one parcel."""
        return self.result in {AttemptResult.RETRY, AttemptResult.UNKNOWN}


class Medium(Protocol):
    """Answers, and raises nothing: a failure it does not know is an answer too."""

    name: MediumName

    async def send(self, sending: Sending) -> Answer: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
