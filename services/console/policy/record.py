"""Describes messages as the console keeps them."""

from dataclasses import dataclass
from datetime import datetime
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
