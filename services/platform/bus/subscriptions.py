"""Describes what a service subscribes to: which events, who handles them, and how soon."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from services.platform.messages.envelope import Received
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message, Topic

Handler: TypeAlias = Callable[[Received[Any], UnitOfWork], Awaitable[None]]


class Priority(Enum):
    URGENT = auto()
    """Somebody waits for it. It shares transactions with urgent messages alone, and does not queue behind others."""
    NORMAL = auto()
    """Handled after the messages that came before it."""
    BACKGROUND = auto()
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`skip_if` is true for content that the handler would ignore. Such a message costs no transaction."""

    event: type[Message]
    handler: Handler
    priority: Priority = Priority.NORMAL
    skip_if: Callable[[Any], bool] | None = None


def in_background(handlers: Mapping[type[Message], Handler]) -> list[Subscription]:
    return [Subscription(event, handler, Priority.BACKGROUND) for event, handler in handlers.items()]


GATHERED_SECONDS = {Priority.URGENT: 0.0, Priority.NORMAL: 0.05, Priority.BACKGROUND: 0.75}
"""How long the first message of a topic waits for others, by the most urgent that the topic brings. Duties of one
decision come within milliseconds, and share what they cost.
"""


def gathered_seconds(subscriptions: Iterable[Subscription]) -> dict[Topic, float]:
    """How long the first message waits, by topic: as the most urgent of its subscriptions allows."""
    waits: dict[Topic, float] = {}
    for each in subscriptions:
        topic, wait = each.event.topic, GATHERED_SECONDS[each.priority]
        waits[topic] = min(wait, waits.get(topic, wait))
    return waits


@dataclass(frozen=True, slots=True)
class Prefetch:
    """Reads or locks for a whole batch, in the round trip of its inbox marks, what each handler would by itself."""

    queries: Callable[[Sequence[Received[Any]]], Sequence[Query[Any]]]
    """Asked of the whole batch: which of its messages were done before is not known yet."""
    remember: Callable[[UnitOfWork, Sequence[Any]], None] = lambda _uow, _answers: None
    """Puts the answers where the handlers find them (`UnitOfWork.local`)."""
