"""Publishes changes of a register: what moves a child's duties (dates, status, guardian), and its directory.

Moves a child to the receiving authority, in the transaction that publishes it (S39, S45).
"""

from collections.abc import Collection
from datetime import date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from services.casework.policy.agency_event import Defect, InvalidEvent
from services.platform.register.keys import key_of, move_data_key
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import ChildTransferred
from services.safeguarding.child_events.events import ChildRecordChanged, ContactListed, ContactUnlisted
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


TRANSFERRED_CHILD = """
    SELECT children.id, children.authority FROM register.children JOIN transferred ON transferred.child = children.id
    WHERE transferred.authority = %(authority)s AND (transferred.child = %(child)s OR transferred.reference = %(reference)s)
"""
IS_LIVE = "SELECT live FROM register.authorities WHERE id = %(authority)s"
CHILD = "SELECT reference, code, placement FROM register.children WHERE id = %(child)s"
CODES = "SELECT code FROM register.children WHERE authority = %(authority)s"
PLACEMENT = "SELECT id FROM register.placements WHERE authority = %(authority)s AND reference = %(reference)s"
REFERENCE_BEFORE = """
    DELETE FROM transferred WHERE child = %(child)s AND authority = %(authority)s RETURNING reference
"""
KEEP_TRANSFER = """
    INSERT INTO transferred (authority, reference, child, at) VALUES (%(authority)s, %(reference)s, %(child)s, %(at)s)
"""
LEAVE_DIRECTORY = "DELETE FROM register.directory WHERE child = %(child)s AND authority = %(authority)s"
MOVE = """
    UPDATE register.children
    SET authority = %(authority)s, reference = %(reference)s, code = %(code)s, placement = %(placement)s,
        as_of = %(at)s
    WHERE id = %(child)s
"""
NOT_LIVE = "an authority that is live: this one takes no real report yet, so nobody would be told of the child"


async def transfer(
    uow: UnitOfWork, keyring: Keyring, said: ChildTransferred, child: ChildId, moves_to: str | None, at: datetime
) -> None:
    """Changes nothing if the register does not hold the receiving authority: then people hand over.

    `moves_to`: the receiver's reference of the next placement; None: the present one, until the register says. The
    caller has locked both authorities' registers. Idempotent. Raises InvalidEvent if the receiver is not live, or has
    no such placement.
    """
    to = None if said.outside_england else said.to
    is_live = None if to in {None, said.authority} else await uow.fetch(Query(IS_LIVE, {"authority": to}, scalar))
    if to is None or is_live is None:
        return
    if not is_live:
        raise InvalidEvent(Defect.CONTENT, "data.to", NOT_LIVE)
    await _move(uow, child, said.authority, to, moves_to, at)
    await move_data_key(uow.connection, keyring, child, to)


def transferred_child(authority: AuthorityId, child: str, reference: str | None) -> Query[Any]:
    """The `id` and present `authority` of a child that was this authority's, by our id or its reference, or None."""
    return Query(TRANSFERRED_CHILD, {"authority": authority, "child": child, "reference": reference}, first_row)


async def _move(
    uow: UnitOfWork, child: ChildId, former: AuthorityId, to: AuthorityId, moves_to: str | None, at: datetime
) -> None:
    """Under the receiver's earlier reference, if it had the child before; otherwise under our id, which is unique."""
    found, codes = await uow.fetch(
        Query(CHILD, {"child": child}, first_row),
        Query(CODES, {"authority": to}, lambda rows: frozenset(row.code for row in rows)),
    )
    if found is None:
        return
    leaving = {"authority": former, "reference": found.reference, "child": child, "at": at}
    arriving = {"authority": to, "child": child, "at": at, "code": _free_code(found.code, codes)}
    arriving["placement"] = found.placement if moves_to is None else await _find_placement(uow, to, moves_to)
    arriving["reference"] = await uow.fetch(Query(REFERENCE_BEFORE, arriving, scalar)) or child
    await uow.fetch(  # at once, since the caller compares the directory
        Query(KEEP_TRANSFER, leaving, all_rows),
        Query(LEAVE_DIRECTORY, leaving, all_rows),
        Query(MOVE, arriving, all_rows),
    )


async def _find_placement(uow: UnitOfWork, authority: AuthorityId, reference: str) -> str:
    found = await uow.fetch(Query(PLACEMENT, {"authority": authority, "reference": reference}, scalar))
    if found is None:
        raise InvalidEvent(
            Defect.CONTENT, "data.moves_to", "the reference of a placement that the register holds of the receiver"
        )
    return str(found)


def _free_code(wished: str, taken: Collection[str]) -> str:
    """The code by which carers name a child: `wished` if it is free, else the first free number of its letter."""
    if wished not in taken:
        return wished
    return next(code for number in count(1) if (code := f"{wished[0]}{number}") not in taken)
