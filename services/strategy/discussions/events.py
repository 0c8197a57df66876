"""What strategy says on the bus of a discussion, of its record or of a mail about it."""

from typing import Protocol

from services.platform.bus.envelope import say
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Transaction
from services.safeguarding.identifiers import ChildId
from services.safeguarding.message import Message

SERVICE = "strategy"


class Concern(Protocol):
    """Whose it is, whether it is practice, and the trace that began it."""

    @property
    def child(self) -> ChildId: ...
    @property
    def exercise(self) -> bool: ...
    @property
    def trace(self) -> str | None: ...


async def publish_for(
    transaction: Transaction,
    clocks: Clocks,
    concern: Concern,
    content: Message,
    *,
    trace: str | None = None,
    message_id: str | None = None,
) -> None:
    """Goes on with `trace`, where that of the concern is not the one; `message_id` is fresh where none is given."""
    await say(
        transaction,
        content,
        said_by=SERVICE,
        subject=concern.child,
        at=clocks.story(),
        now=clocks.wall(),
        exercise=concern.exercise,
        trace=trace or concern.trace,
        message_id=message_id,
    )
