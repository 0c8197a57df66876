"""Records each message as an entry. Decides nothing and publishes nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.audit import metrics, store
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message


class Handlers:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def by_kind(self) -> dict[type[Message], Callable[[Received[Any], UnitOfWork], Awaitable[None]]]:
        """A handler for every kind of message, so that a new kind is recorded without a change here."""
        return dict.fromkeys(contracts().values(), self.on_any)

    async def on_any(self, received: Received[Message], uow: UnitOfWork) -> None:
        store.append(uow, received, self._clocks.wall())
        uow.on_commit(metrics.ENTRIES.inc)
