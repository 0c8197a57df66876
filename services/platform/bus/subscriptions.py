"""Describes what a service subscribes to: which events, who handles them, and how soon."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol, TypeAlias

from services.platform.messages.envelope import Received
from services.platform.store.query import Statement
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message, Topic

Handler: TypeAlias = Callable[[Received[Any], UnitOfWork], Awaitable[None]]


class Priority(Enum):
    URGENT = auto()
    """Somebody waits for it: it shares its transaction with other urgent messages alone, and does not queue behind the rest."""
    NORMAL = auto()
    """Handled as soon as those that came before it are."""
    BACKGROUND = auto()
    """Nobody waits for it. A topic that brings nothing else is gathered for a moment: taken together, messages cost less."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`skip_if` is true for content that the handler would do nothing with: such a message costs no transaction."""

    event: type[Message]
    handler: Handler
    priority: Priority = Priority.NORMAL
    skip_if: Callable[[Any], bool] | None = None


def background_topics(subscriptions: Iterable[Subscription]) -> frozenset[Topic]:
    """The topics that bring background messages alone."""
    waited_for = {each.event.topic for each in subscriptions if each.priority is not Priority.BACKGROUND}
    return frozenset(each.event.topic for each in subscriptions) - waited_for


class Prefetch(Protocol):
    """Reads once, in the round trip of the inbox marks, what the handlers of a batch would each read for themselves."""

    def queries(self, batch: Sequence[Received[Any]]) -> Sequence[Statement]:
        """For all of the batch: which messages were done before is not known yet."""

    def load(self, uow: UnitOfWork, answers: Sequence[list[tuple[Any, ...]]]) -> None:
        """Keeps the answers where the handlers find them (`Transaction.remembered`)."""
