"""What a service gives the contract: how it handles a message, what it passes over, and what it asks ahead."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from services.bus.envelope import Received
from services.safeguarding.message import Message
from services.store.pipeline import Statement
from services.store.transaction import Transaction

Handler: TypeAlias = Callable[[Received[Any], Transaction], Awaitable[None]]
PassesOver: TypeAlias = Callable[[Any], bool]
"""True for content that the handler would do nothing with, so that it costs no transaction."""
NOTHING: Mapping[type[Message], PassesOver] = {}


class Ahead(Protocol):
    """Asks at once, in the round trip of the marks, what the handlers of messages that come together would each ask for themselves."""

    def asked(self, several: Sequence[Received[Any]]) -> Sequence[Statement]:
        """Also of those that turn out to have been done before."""

    def answered(self, transaction: Transaction, answers: Sequence[list[tuple[Any, ...]]]) -> None:
        """Keeps what the statements gave where the handlers find it (`Transaction.remembered`)."""
