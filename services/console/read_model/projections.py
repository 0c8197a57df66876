"""What the console does with each message: keeps it. Nothing is decided here and nothing is said."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.console import metrics
from services.console.read_model import contacts
from services.console.read_model import repository as read_model
from services.platform.bus.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Transaction
from services.safeguarding.contracts import contracts
from services.safeguarding.decisions import DutyChanged, EpisodeChanged, MessageDeadLettered, ReportTaken
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAcknowledged, DutyDelivered, DutyFailed


class Handlers:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def by_kind(self) -> dict[type[Message], Callable[[Received[Any], Transaction], Awaitable[None]]]:
        """Every kind there is, so that a new one is on the timeline without a change here. What is said of a report for carers stands
        there already.
        """
        every = (each for each in contracts().values() if each is not ReportTaken)
        return dict.fromkeys(every, self.on_any) | {
            EpisodeChanged: self.on_episode_changed,
            DutyChanged: self.on_duty_changed,
            MessageDeadLettered: self.on_message_dead_lettered,
            DutyDelivered: self.on_duty_delivered,
            DutyAcknowledged: self.on_duty_acknowledged,
            DutyFailed: self.on_duty_failed,
        }

    async def on_any(self, received: Received[Message], transaction: Transaction) -> None:
        await read_model.keep_entry(transaction, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], transaction: Transaction) -> None:
        await read_model.keep_episode(transaction, received)
        await read_model.keep_entry(transaction, received, self._clocks.wall())
        self._measure(received, transaction)

    async def on_duty_changed(self, received: Received[DutyChanged], transaction: Transaction) -> None:
        """Kept as it now stands. Its tellings and their outcomes come by themselves, so it is no entry of the timeline."""
        await read_model.keep_duty(transaction, received, waits=received.content.goes_on)
        self._measure(received, transaction)

    async def on_message_dead_lettered(self, received: Received[MessageDeadLettered], transaction: Transaction) -> None:
        await read_model.keep_dead_letter(transaction, received)

    async def on_duty_delivered(self, received: Received[DutyDelivered], transaction: Transaction) -> None:
        await self.on_any(received, transaction)
        await contacts.reached(transaction, received.content.person, received.time)

    async def on_duty_acknowledged(self, received: Received[DutyAcknowledged], transaction: Transaction) -> None:
        await self.on_any(received, transaction)
        await contacts.answered(transaction, received.content.by, received.time)

    async def on_duty_failed(self, received: Received[DutyFailed], transaction: Transaction) -> None:
        await self.on_any(received, transaction)
        await contacts.failed(transaction, received.content.person, received.time, received.content.reason)

    def _measure(self, received: Received[Message], transaction: Transaction) -> None:
        behind = (self._clocks.story() - received.time).total_seconds()
        transaction.after_commit(lambda: metrics.BEHIND.observe(max(0.0, behind)))
