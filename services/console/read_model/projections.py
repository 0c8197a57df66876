"""Keeps each message in the read model. Decides nothing and publishes nothing.

When each contact was last reached, and when a message to them last failed, is learnt from the bus, in story time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.console import metrics
from services.console.policy.directory import Contact
from services.console.read_model import repository as read_model
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, unnest_rows
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
from services.safeguarding.identifiers import PersonId
from services.safeguarding.message import Message

SAYS_NOTHING_OF_THE_CONTACT = frozenset({"exercise", "nobody-in-role"})
"""Reasons for a failure."""

HEARD = {
    "person": "text",
    "reached_at": "timestamptz",
    "answered_at": "timestamptz",
    "failed_at": "timestamptz",
    "failure": "text",
}
KEEP = f"""
    INSERT INTO contacts ({", ".join(HEARD)})
    SELECT person, max(reached_at), max(answered_at), max(failed_at), (array_agg(failure ORDER BY failed_at DESC NULLS LAST))[1]
    FROM {unnest_rows(HEARD)} GROUP BY person ORDER BY person
    ON CONFLICT (person) DO UPDATE SET
        reached_at = greatest(contacts.reached_at, excluded.reached_at),
        answered_at = greatest(contacts.answered_at, excluded.answered_at),
        failed_at = greatest(contacts.failed_at, excluded.failed_at),
        failure = CASE WHEN excluded.failed_at > coalesce(contacts.failed_at, '-infinity') THEN excluded.failure ELSE contacts.failure END
"""
"""One statement for all, in the order of persons: two transactions wait for each other, and never in a circle."""
ALL = "SELECT person, reached_at, failed_at, failure, answered_at FROM contacts"


def record_outcome(uow: UnitOfWork, outcome: Message, at: datetime) -> None:
    """What it says of whom a message was for. Who acknowledges or declines one themselves is reached too."""
    match outcome:
        case DutyAcknowledged(by=person) if person is not None:
            _keep(uow, person, reached_at=at, answered_at=at)
        case DutyDelivered(person=person) | DutyFailed(person=person, reason="declined") if person is not None:
            _keep(uow, person, reached_at=at)
        case DutyFailed(person=person, reason=reason) if person and reason not in SAYS_NOTHING_OF_THE_CONTACT:
            _keep(uow, person, failed_at=at, failure=reason)


def _keep(uow: UnitOfWork, person: PersonId, **heard: object) -> None:
    uow.bulk_write(KEEP, dict.fromkeys(HEARD) | {"person": person} | heard)


def all_contacts() -> Query[dict[PersonId, Contact]]:
    return Query(
        ALL,
        {},
        lambda rows: {row.person: Contact(row.reached_at, row.failed_at, row.failure, row.answered_at) for row in rows},
    )


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
            record_outcome(uow, each, received.time)

    def _measure(self, received: Received[Message], uow: UnitOfWork) -> None:
        behind = (self._clocks.story() - received.time).total_seconds()
        uow.on_commit(lambda: metrics.BEHIND.observe(max(0.0, behind)))
