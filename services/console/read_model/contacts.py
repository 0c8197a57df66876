"""Keeps when each contact was last reached, and when a message to them last failed. Story time, learnt from the bus."""

from datetime import datetime

from services.console.policy.directory import Contact
from services.platform.store.query import Query, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import DutyAcknowledged, DutyDelivered, DutyFailed
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
