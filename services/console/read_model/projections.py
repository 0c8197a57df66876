"""Keeps each message in the read model. Decides nothing and publishes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from services.console import metrics
from services.console.read_model import contacts
from services.console.read_model import repository as read_model
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import (
    DutyChanged,
    EpisodeChanged,
    MessageDeadLettered,
    MessageDecided,
    ReportTaken,
)
from services.safeguarding.duty.duties import DutyAcknowledged, DutyDelivered, DutyFailed, DutyOutcomes, parts_of
from services.safeguarding.message import Message


class Handlers:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def by_kind(self) -> dict[type[Message], Callable[[Received[Any], UnitOfWork], Awaitable[None]]]:
        """Every kind there is, so that a new one is on the timeline without a change here.

        Except `ReportTaken`, which is for carers: the report itself is on the timeline.
        """
        kinds = (each for each in contracts().values() if each is not ReportTaken)
        return dict.fromkeys(kinds, self.on_any) | {
            EpisodeChanged: self.on_episode_changed,
            MessageDecided: self.on_message_decided,
            DutyChanged: self.on_duty_changed,
            MessageDeadLettered: self.on_message_dead_lettered,
            **dict.fromkeys((DutyDelivered, DutyAcknowledged, DutyFailed, DutyOutcomes), self.on_outcomes),
        }

    async def on_any(self, received: Received[Message], uow: UnitOfWork) -> None:
        read_model.keep_entry(uow, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], uow: UnitOfWork) -> None:
        read_model.keep_episode(uow, received)
        await self.on_any(received, uow)
        self._measure(received, uow)

    async def on_message_decided(self, received: Received[MessageDecided], uow: UnitOfWork) -> None:
        """Its verdicts are kept for the timeline, each duty in its newest state."""
        decided = received.content
        read_model.keep_duties(uow, received, decided.duties)
        if decided.verdicts:
            verdicts = replace(received, content=decided.model_copy(update={"duties": ()}))
            read_model.keep_entry(uow, verdicts, self._clocks.wall())
        if decided.duties:
            self._measure(received, uow)

    async def on_duty_changed(self, received: Received[DutyChanged], uow: UnitOfWork) -> None:
        """Keeps its newest state. It is no entry of the timeline: tellings and outcomes have messages of their own."""
        read_model.keep_duties(uow, received, (received.content,))
        self._measure(received, uow)

    async def on_message_dead_lettered(self, received: Received[MessageDeadLettered], uow: UnitOfWork) -> None:
        read_model.keep_dead_letter(uow, received)

    async def on_outcomes(
        self, received: Received[DutyDelivered | DutyAcknowledged | DutyFailed | DutyOutcomes], uow: UnitOfWork
    ) -> None:
        """Each also says whether somebody is reached."""
        await self.on_any(received, uow)
        for each in parts_of(received.content):
            contacts.record_outcome(uow, each, received.time)

    def _measure(self, received: Received[Message], uow: UnitOfWork) -> None:
        behind = (self._clocks.story() - received.time).total_seconds()
        uow.on_commit(lambda: metrics.BEHIND.observe(max(0.0, behind)))
