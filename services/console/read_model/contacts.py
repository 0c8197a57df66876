"""When each contact was last reached, and when a message to them last failed: learnt from the bus, in story time."""

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.policy.directory import Contact
from services.console.read_model.tables import contacts
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import PersonId

SAYS_NOTHING_OF_THE_CONTACT = frozenset({"declined", "exercise", "nobody-in-role"})


async def reached(uow: UnitOfWork, person: PersonId | None, at: datetime) -> None:
    """A message arrived at them, or they answered one."""
    if person is None:
        return
    new = insert(contacts).values(person=person, reached_at=at)
    later = func.greatest(contacts.c.reached_at, new.excluded.reached_at)
    await uow.connection.execute(
        new.on_conflict_do_update(index_elements=[contacts.c.person], set_={"reached_at": later})
    )


async def answered(uow: UnitOfWork, person: PersonId | None, at: datetime) -> None:
    """They said themselves that they have a message: so they are reached, and whoever holds the line is there."""
    await reached(uow, person, at)
    theirs = update(contacts).where(contacts.c.person == person)
    await uow.connection.execute(theirs.values(answered_at=func.greatest(contacts.c.answered_at, at)))


async def failed(uow: UnitOfWork, person: PersonId | None, at: datetime, failure: str) -> None:
    """No message will reach them this way. Whoever says that they cannot act on one has been reached."""
    if person is None or failure in SAYS_NOTHING_OF_THE_CONTACT:
        return
    new = insert(contacts).values(person=person, failed_at=at, failure=failure)
    newer = or_(contacts.c.failed_at.is_(None), contacts.c.failed_at < new.excluded.failed_at)
    set_ = {"failed_at": new.excluded.failed_at, "failure": new.excluded.failure}
    await uow.connection.execute(new.on_conflict_do_update(index_elements=[contacts.c.person], set_=set_, where=newer))


async def every(connection: AsyncConnection) -> dict[PersonId, Contact]:
    rows = await connection.execute(
        select(
            contacts.c.person, contacts.c.reached_at, contacts.c.failed_at, contacts.c.failure, contacts.c.answered_at
        )
    )
    return {row.person: Contact(row.reached_at, row.failed_at, row.failure, row.answered_at) for row in rows}
