"""Data keys: one an owner, kept wrapped. Deleting an owner's row erases everything that was kept under it."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import data_keys
from services.store.encryption import DataKey, Keyring


async def data_key(connection: AsyncConnection, keyring: Keyring, owner: str) -> DataKey:
    """The owner's key, made when there is none. `owner` is a child's or a person's id, or "number-" and the number's hash in hex."""
    wrapped = await connection.scalar(select(data_keys.c.wrapped).where(data_keys.c.owner == owner))
    if wrapped is None:
        fresh = {"owner": owner, "wrapped": keyring.wrapped_new_key(owner)}
        await connection.execute(insert(data_keys).values(fresh).on_conflict_do_nothing())
        wrapped = await connection.scalar(select(data_keys.c.wrapped).where(data_keys.c.owner == owner))
    return keyring.unwrap(owner, wrapped or b"")


class Opener:
    """Opens one owner's columns as a view gives them. Without the key (erased) or without the column there is a gap: None."""

    def __init__(self, keyring: Keyring, owner: str, wrapped: bytes | None) -> None:
        self._key = None if wrapped is None else keyring.unwrap(owner, wrapped)

    def open(self, closed: bytes | None, place: str) -> str | None:
        return None if closed is None or self._key is None else self._key.open(closed, place)
