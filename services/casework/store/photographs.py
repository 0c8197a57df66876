"""A child's photograph, closed under the child's key."""

from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from services.casework.store import tables
from services.platform.register.keys import data_key
from services.platform.register.photographs import PLACE
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId


async def child_of(uow: UnitOfWork, authority: AuthorityId, reference: str) -> ChildId | None:
    """By the authority's own reference."""
    children = tables.children.c
    chosen = select(children.id).where(children.authority == authority, children.reference == reference)
    child: ChildId | None = await uow.connection.scalar(chosen)
    return child


async def keep(
    uow: UnitOfWork,
    keyring: Keyring,
    child: ChildId,
    content: bytes,
    media_type: str,
    taken_on: date | None,
    at: datetime,
) -> None:
    """In place of an earlier one. `at` is story time."""
    key = await data_key(uow.connection, keyring, child)
    row = {
        "picture": key.close_bytes(content, PLACE),
        "media_type": media_type,
        "taken_on": taken_on,
        "stored_at": at,
    }
    statement = insert(tables.photographs).values(child=child, **row)
    await uow.connection.execute(statement.on_conflict_do_update(index_elements=["child"], set_=row))


async def remove(uow: UnitOfWork, child: ChildId) -> None:
    await uow.connection.execute(delete(tables.photographs).where(tables.photographs.c.child == child))
