"""Describes messages as the console keeps them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from services.safeguarding.message import Message

M_co = TypeVar("M_co", bound=Message, covariant=True)


@dataclass(frozen=True, slots=True)
class RecordedMessage(Generic[M_co]):
    """`at` is story time: when it happened, which may be long before it was heard."""

    id: str
    child: str
    at: datetime
    exercise: bool
    content: M_co


class Fault(StrEnum):
    MESSAGE = "message"
    """The message breaks its contract: its sender has to correct it."""
    OURS = "ours"
    """A service of ours failed, at the place that the reason names."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a service gave up on, without the message itself, which may hold anything."""

    id: str
    service: str
    origin: str
    reason: str
    original_kind: str | None
    at: datetime
    redriven_at: datetime | None = None
    redriven_by: str | None = None
    """The account."""
    exercise: bool = False

    @property
    def fault(self) -> Fault:
        """`services.platform.bus` names a field if the message is at fault, or an error's class and place if we are."""
        named_field = self.reason.split(":", maxsplit=1)[0]
        is_field = ":" in self.reason and " at " not in named_field
        return Fault.MESSAGE if is_field or self.reason.startswith("the message ") else Fault.OURS
