"""Data keys: one an owner, kept wrapped. Deleting an owner's row erases everything that was kept under it."""

from collections.abc import Collection

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import data_keys as table
from services.store.encryption import DataKey, Keyring
from services.store.pipeline import Statement, as_sql, at_once

OWNERS = bindparam("owners", type_=ARRAY(Text))
WRAPPED = as_sql(select(table.c.owner, table.c.wrapped).where(table.c.owner == any_(OWNERS)))


async def data_key(connection: AsyncConnection, keyring: Keyring, owner: str) -> DataKey:
    """The owner's key, made when there is none. `owner` is a child's or a person's id, or "number-" and the number's hash in hex."""
    return (await data_keys(connection, keyring, [owner]))[owner]


async def data_keys(connection: AsyncConnection, keyring: Keyring, owners: Collection[str]) -> dict[str, DataKey]:
    """Many owners' keys in one round trip, three where some are made. Two that make one key at once end with the same."""
    wrapped = await _wrapped(connection, owners)
    fresh = [{"owner": owner, "wrapped": keyring.wrapped_new_key(owner)} for owner in owners if owner not in wrapped]
    if fresh:
        await connection.execute(insert(table).on_conflict_do_nothing(), fresh)
        wrapped = await _wrapped(connection, owners)
    return {owner: keyring.unwrap(owner, wrapped[owner]) for owner in owners}


async def known_data_keys(connection: AsyncConnection, keyring: Keyring, owners: Collection[str]) -> dict[str, DataKey]:
    """Of those that have one: what was kept under the others has been erased."""
    wrapped = await _wrapped(connection, owners)
    return {owner: keyring.unwrap(owner, each) for owner, each in wrapped.items()}


def asked(owner: str) -> Statement:
    """The row of one owner's key, if there is one, for whoever asks other things in the same round trip."""
    return WRAPPED, {"owners": [owner]}


async def _wrapped(connection: AsyncConnection, owners: Collection[str]) -> dict[str, bytes]:
    [rows] = await at_once(connection, (WRAPPED, {"owners": list(owners)}))
    return dict(rows)


class Opener:
    """Opens one owner's columns as a view gives them. Without the key (erased) or without the column there is a gap: None."""

    def __init__(self, keyring: Keyring, owner: str, wrapped: bytes | None) -> None:
        self._key = None if wrapped is None else keyring.unwrap(owner, wrapped)

    def open(self, closed: bytes | None, place: str) -> str | None:
        return None if closed is None or self._key is None else self._key.open(closed, place)
