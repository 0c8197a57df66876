"""Keeps a child's photograph, encrypted under the child's key."""

from datetime import date, datetime

from services.platform.register.children.police_notice import PICTURE
from services.platform.register.keys import data_key
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId

CHILD = "SELECT id FROM register.children WHERE authority = %(authority)s AND reference = %(reference)s"
KEEP = """
    INSERT INTO register.photographs (child, picture, media_type, taken_on, stored_at)
    VALUES (%(child)s, %(picture)s, %(media_type)s, %(taken_on)s, %(at)s)
    ON CONFLICT (child) WHERE removed_at IS NULL DO UPDATE SET picture = excluded.picture,
        media_type = excluded.media_type, taken_on = excluded.taken_on, stored_at = excluded.stored_at
"""
REMOVE = "DELETE FROM register.photographs WHERE child = %(child)s AND removed_at IS NULL"
"""Where its child's records are held, the database keeps it, and shows it to nobody."""


def child_by_reference(authority: AuthorityId, reference: str) -> Query[ChildId | None]:
    """`reference` is the authority's own."""
    return Query(CHILD, {"authority": authority, "reference": reference}, scalar)


async def keep_photograph(
    uow: UnitOfWork,
    keyring: Keyring,
    child: ChildId,
    content: bytes,
    media_type: str,
    taken_on: date | None,
    at: datetime,
) -> None:
    """Replaces an earlier one. `at` is story time."""
    key = await data_key(uow.connection, keyring, child)
    picture = key.close_bytes(content, PICTURE)
    row = {"child": child, "picture": picture, "media_type": media_type, "taken_on": taken_on, "at": at}
    uow.write(KEEP, row)


def remove_photograph(uow: UnitOfWork, child: ChildId) -> None:
    uow.write(REMOVE, {"child": child})
