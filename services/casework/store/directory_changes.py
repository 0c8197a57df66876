"""Says of each person who has come onto an authority's directory, or left it: whoever is on it is asked each month to answer."""

from datetime import datetime

from sqlalchemy import select

from services.casework.store.tables import directory
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.contact_events import ContactListed, ContactUnlisted
from services.safeguarding.identifiers import AuthorityId, PersonId

SERVICE = "casework"


async def listed(uow: UnitOfWork, authority: AuthorityId) -> frozenset[PersonId]:
    """As it stands in this transaction."""
    found = select(directory.c.person).where(directory.c.authority == authority).distinct()
    return frozenset(await uow.connection.scalars(found))


async def tell_of_listings(
    uow: UnitOfWork, authority: AuthorityId, before: frozenset[PersonId], *, at: datetime
) -> None:
    """Compares with `before`, which was read ahead of the change. `at` is story time."""
    after = await listed(uow, authority)
    for person in sorted(before ^ after):
        kind = ContactListed if person in after else ContactUnlisted
        uow.publish(kind(authority=authority, contact=person), subject=person, at=at)
