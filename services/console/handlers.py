"""What the console does with each message: keeps it. Nothing is decided here and nothing is said."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.bus.envelope import Received
from services.console import metrics, store
from services.console.policy.standing import waits_for_answer
from services.runtime.clocks import Clocks
from services.safeguarding.contracts import contracts
from services.safeguarding.decisions import DutyChanged, EpisodeChanged, MessageDeadLettered
from services.safeguarding.message import Message
from services.store.transaction import Transaction


class Handlers:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def by_kind(self) -> dict[type[Message], Callable[[Received[Any], Transaction], Awaitable[None]]]:
        """Every kind there is, so that a new one is on the timeline without a change here."""
        return dict.fromkeys(contracts().values(), self.on_any) | {
            EpisodeChanged: self.on_episode_changed,
            DutyChanged: self.on_duty_changed,
            MessageDeadLettered: self.on_message_dead_lettered,
        }

    async def on_any(self, received: Received[Message], transaction: Transaction) -> None:
        await store.keep_entry(transaction, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], transaction: Transaction) -> None:
        await store.keep_episode(transaction, received)
        await store.keep_entry(transaction, received, self._clocks.wall())
        self._measure(received, transaction)

    async def on_duty_changed(self, received: Received[DutyChanged], transaction: Transaction) -> None:
        """Kept as it now stands. Its tellings and their outcomes come by themselves, so it is no entry of the timeline."""
        await store.keep_duty(transaction, received, waits=waits_for_answer(received.content))
        self._measure(received, transaction)

    async def on_message_dead_lettered(self, received: Received[MessageDeadLettered], transaction: Transaction) -> None:
        await store.keep_dead_letter(transaction, received)

    def _measure(self, received: Received[Message], transaction: Transaction) -> None:
        behind = (self._clocks.story() - received.time).total_seconds()
        transaction.after_commit(lambda: metrics.BEHIND.observe(max(0.0, behind)))
