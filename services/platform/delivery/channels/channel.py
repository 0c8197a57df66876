"""What every medium answers: taken, not now, not ever, or nobody knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.platform.delivery.model import FailureReason, MediumName
from services.safeguarding.duty.evidence import AttemptResult

MAIL_TO = "mailto:"


@dataclass(frozen=True, slots=True)
class SendRequest:
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
    by_voice: bool = False
    """A text of it did not arrive: it is to be read out."""
    to_stranger: bool = False
    """The one safe answer to a number that nobody knows, maybe a child's own: late, or read out by a call, it could betray them."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """`status` is HTTP's or the provider's own error code; `reason` is why no further attempt would help."""

    result: AttemptResult
    status: int | None = None
    reason: FailureReason | None = None
    provider_id: str | None = None
    retry_after: timedelta | None = None
    medium: MediumName | None = None
    """Where it went another way than the medium's own."""

    @property
    def lane_fails(self) -> bool:
        """Whether it speaks against the destination rather than against this one parcel."""
        return self.result in {AttemptResult.RETRY, AttemptResult.UNKNOWN}


class ChannelSender(Protocol):
    """Answers, and raises nothing: a failure it does not know is an answer too."""

    name: MediumName

    async def send(self, sending: SendRequest) -> SendResult: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class ChannelRegistry:
    """Those of one service. A parcel goes by the medium that its channel asks for; where there is only one, by that.

    A recipient that is a `mailto:` URL goes by mail, whatever its channel.
    """

    def __init__(self, first: ChannelSender, others: Sequence[ChannelSender] = ()) -> None:
        self._first = first
        self._by_name = {each.name: each for each in (first, *others)}

    def of(self, name: MediumName, recipient: str = "") -> ChannelSender:
        return self._by_name.get("email" if recipient.startswith(MAIL_TO) else name, self._first)

    async def start(self) -> None:
        for each in self._by_name.values():
            await each.start()

    async def stop(self) -> None:
        for each in self._by_name.values():
            await each.stop()
