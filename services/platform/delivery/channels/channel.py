"""Defines a channel, its requests and its results: accepted, not now, not ever, or unknown."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.platform.delivery import metrics
from services.platform.delivery.model import MediumName, WayName
from services.platform.runtime.logs import logger
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import FailureReason
from services.safeguarding.identifiers import AuthorityId

MAIL_TO = "mailto:"
POLLED = "poll:"
"""The recipient that comes for its messages itself."""
BY_SCHEME: dict[str, MediumName] = {MAIL_TO: "email", POLLED: "poll"}


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
    """A text of it did not arrive: a call reads it out."""
    of_duty: bool = False
    """Its recipient may answer that they have it: in a call, by a key."""
    to_stranger: bool = False
    """The one safe answer to an unknown number, maybe a child's own. Late or read out, it could betray them."""
    authority: AuthorityId | None = None
    texted: str | None = None
    """Our number that a text came to which this answers."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """`status` is HTTP's or the provider's own error code; `reason` is why no further attempt would help."""

    result: AttemptResult
    status: int | None = None
    reason: FailureReason | None = None
    provider_id: str | None = None
    retry_after: timedelta | None = None
    medium: MediumName | None = None
    """Where it went by another than its channel's own."""
    way: WayName | None = field(default=None, compare=False)
    by_voice: bool = field(default=False, compare=False)
    """A call may get through where this text does not."""
    not_by_sender: bool = field(default=False, compare=False)
    """The provider does not have the number that this text was to go out by."""
    waits: bool = False
    """Its recipient has yet to come for it: nothing has failed."""

    @property
    def lane_fails(self) -> bool:
        """Whether it speaks against the destination rather than against this one delivery."""
        return not self.waits and self.result in {AttemptResult.RETRY, AttemptResult.UNKNOWN}

    @property
    def leaves_another_way(self) -> bool:
        """Whether a text was surely not taken, and its recipient has not stopped texts or has no number."""
        return self.result is AttemptResult.RETRY or self.by_voice


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt that was made, for the log and the audit. `service` made it."""

    service: str
    medium: MediumName
    request: SendRequest
    result: SendResult
    took_ms: int
    body_hash: bytes


class ChannelSender(Protocol):
    """Raises nothing: a failure that it does not know is a result too."""

    name: MediumName

    async def send(self, request: SendRequest, /) -> SendResult: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class TextWay(Protocol):
    """A provider. `number` is ours there, E.164, or empty where nobody answers to it."""

    way: WayName
    number: str

    async def text(self, sending: SendRequest, sender: str | None, /) -> SendResult:
        """`sender`: how the provider knows the number that it goes out by; None: its usual one."""
        ...

    async def look_up(self, sending: SendRequest, /) -> SendResult | None:
        """None where it surely does not have it. Unknown where it does not say."""
        ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class ChannelRegistry:
    """The channels of one service. A delivery goes by the channel that its duty names, or by `first` where the service
    has none of that name.

    A recipient that is a `mailto:` or `poll:` URL decides itself, whatever the duty names.
    """

    def __init__(self, first: ChannelSender, others: Sequence[ChannelSender] = ()) -> None:
        self._first = first
        self._by_name = {each.name: each for each in (first, *others)}

    def of(self, name: MediumName, recipient: str = "") -> ChannelSender:
        scheme, colon, _ = recipient.partition(":")
        return self._by_name.get(BY_SCHEME.get(scheme + colon, name), self._first)

    async def send(self, name: MediumName, request: SendRequest) -> tuple[SendResult, int]:
        """The result, and how many milliseconds it took. If a channel raises all the same, nobody knows whether it
        sent: the result is unknown, so that the schedule goes on to its end.
        """
        channel = self.of(name, request.recipient)
        started = time.perf_counter()
        try:
            result = await channel.send(request)
        except Exception as error:  # noqa: BLE001 every attempt has a result
            metrics.DEFECTS.inc()
            logger().error("a channel failed", exc_info=error)
            result = SendResult(AttemptResult.UNKNOWN)
        took = time.perf_counter() - started
        metrics.ATTEMPT_SECONDS.labels(channel.name).observe(took)
        logger().info(
            "an attempt was made",
            medium=channel.name,
            attempt=request.attempt,
            result=result.result,
            status=result.status,
            seconds=round(took, 3),
        )
        metrics.ATTEMPTS.labels(channel.name, result.result, metrics.which(request.attempt)).inc()
        return result, round(took * 1000)

    async def start(self) -> None:
        for each in self._by_name.values():
            await each.start()

    async def stop(self) -> None:
        for each in self._by_name.values():
            await each.stop()
