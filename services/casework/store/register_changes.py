"""Publishes changes of a register: of what moves a child's duties (dates, status, guardian), and of its directory."""

from datetime import date, datetime
from uuid import UUID

from services.platform.register.keys import key_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.contact_events import ContactListed, ContactUnlisted
from services.safeguarding.child_events.events import ChildRecordChanged
from services.safeguarding.dates import ADULT, birthday
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId

MOVED = """
    SELECT key ->> 'id' AS child FROM import_changes WHERE import = %(import)s AND table_name = 'children'
    AND after_hash IS NOT NULL AND fields && ARRAY['adult_on', 'age_disputed', 'placement', 'entered_care_at',
        'subject_to_immigration_control', 'guardian_allocated']
    ORDER BY place
"""
"""Children of whom the import changed a field from which the protocol calculates."""
CORRECT = """
    UPDATE register.children c SET date_of_birth = %(born)s, adult_on = %(adult_on)s, age_disputed = false
    FROM (SELECT * FROM register.children WHERE id = %(child)s FOR UPDATE) former
    WHERE c.id = former.id RETURNING (former.adult_on, former.age_disputed) IS DISTINCT FROM (%(adult_on)s, false)
"""
PEOPLE = "SELECT DISTINCT person FROM register.directory WHERE authority = %(authority)s"


async def publish_date_changes(uow: UnitOfWork, authority: AuthorityId, imported: UUID) -> None:
    for row in await uow.fetch(Query(MOVED, {"import": imported}, all_rows)):
        uow.publish(ChildRecordChanged(authority=authority), subject=row.child)


async def correct_birth_date(
    uow: UnitOfWork, keyring: Keyring, child: ChildId, authority: AuthorityId, born: date | None
) -> None:
    """As a lawful assessment has found it, which ends the dispute. None: the import says it some day. The date itself
    stays in the register.
    """
    if born is None:
        return
    key = await key_of(uow, keyring, child)
    found = {"child": child, "born": key.close(str(born), "children.date_of_birth"), "adult_on": birthday(born, ADULT)}
    if await uow.fetch(Query(CORRECT, found, scalar)):
        uow.publish(ChildRecordChanged(authority=authority), subject=child)


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
