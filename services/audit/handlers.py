"""Records each message as an entry. Decides nothing and publishes nothing."""

from services.audit import metrics, store
from services.platform.bus.message_processor import Handler
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.contracts import contracts
from services.safeguarding.message import Message


def handlers_by_kind(clocks: Clocks) -> dict[type[Message], Handler]:
    """A handler for every kind of message, so that a new kind is recorded without a change here."""

    async def on_any(received: Received[Message], uow: UnitOfWork) -> None:
        store.append(uow, received, clocks.wall())
        uow.on_commit(metrics.ENTRIES.inc)

    return dict.fromkeys(contracts().values(), on_any)
