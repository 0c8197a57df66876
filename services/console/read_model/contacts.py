"""Keeps when each contact was last reached, and when a message to them last failed. Story time, learnt from the bus."""

from datetime import datetime

from services.console.policy.directory import Contact
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.outcomes import DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.identifiers import PersonId
from services.safeguarding.message import Message

SAYS_NOTHING_OF_THE_CONTACT = frozenset({"declined", "exercise", "nobody-in-role"})
"""Reasons for a failure. Somebody who declines a duty has been reached."""

REACHED = """
    INSERT INTO contacts (person, reached_at, answered_at) VALUES (%(person)s, %(reached_at)s, %(answered_at)s)
    ON CONFLICT (person) DO UPDATE SET reached_at = greatest(contacts.reached_at, excluded.reached_at),
                                       answered_at = greatest(contacts.answered_at, excluded.answered_at)
"""
FAILED = """
    INSERT INTO contacts (person, failed_at, failure) VALUES (%(person)s, %(failed_at)s, %(failure)s)
    ON CONFLICT (person) DO UPDATE SET failed_at = excluded.failed_at, failure = excluded.failure
    WHERE contacts.failed_at IS NULL OR contacts.failed_at < excluded.failed_at
"""
ALL = "SELECT person, reached_at, failed_at, failure, answered_at FROM contacts"


def record_outcome(uow: UnitOfWork, outcome: Message, at: datetime) -> None:
    """What it says of whom a message was for. Who acknowledges one themselves is reached too."""
    match outcome:
        case DutyAcknowledged(by=person) if person is not None:
            uow.write(REACHED, {"person": person, "reached_at": at, "answered_at": at})
        case DutyDelivered(person=person) if person is not None:
            uow.write(REACHED, {"person": person, "reached_at": at, "answered_at": None})
        case DutyFailed(person=person, reason=reason) if person and reason not in SAYS_NOTHING_OF_THE_CONTACT:
            uow.write(FAILED, {"person": person, "failed_at": at, "failure": reason})


def all_contacts() -> Query[dict[PersonId, Contact]]:
    return Query(
        ALL,
        {},
        lambda rows: {row.person: Contact(row.reached_at, row.failed_at, row.failure, row.answered_at) for row in rows},
    )
