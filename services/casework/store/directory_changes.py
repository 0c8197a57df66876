"""Publishes who has joined or left an authority's directory: its people confirm their contact each month."""

from datetime import datetime

from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.contact_events import ContactListed, ContactUnlisted
from services.safeguarding.identifiers import AuthorityId, PersonId

PEOPLE = "SELECT DISTINCT person FROM register.directory WHERE authority = %(authority)s"


def people_on_directory(authority: AuthorityId) -> Query[frozenset[PersonId]]:
    return Query(PEOPLE, {"authority": authority}, lambda rows: frozenset(row.person for row in rows))


async def publish_directory_changes(
    uow: UnitOfWork, authority: AuthorityId, before: frozenset[PersonId], *, at: datetime | None = None
) -> None:
    """Compares with `before`, which was read before the change. `at` is story time, now if none is given."""
    after = await uow.fetch(people_on_directory(authority))
    for person in sorted(before ^ after):
        kind = ContactListed if person in after else ContactUnlisted
        uow.publish(kind(authority=authority, contact=person), subject=person, at=at)
