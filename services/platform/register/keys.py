"""Keeps data keys, wrapped, one an owner. Deleting an owner's row erases everything that is encrypted under its key."""

from collections.abc import Collection, Mapping

from cryptography.exceptions import InvalidTag
from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register import metrics
from services.platform.register.views import data_keys as table
from services.platform.runtime.logs import logger
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import Query, as_sql, bulk_insert, execute_pipelined, to_columns
from services.platform.store.unit_of_work import Local, UnitOfWork

OWNERS = bindparam("owners", type_=ARRAY(Text))
WRAPPED = as_sql(select(table.c.owner, table.c.wrapped).where(table.c.owner == any_(OWNERS)))
MAKE = bulk_insert("register.data_keys", {"owner": "text", "wrapped": "bytea"}, "ON CONFLICT DO NOTHING")


KEYS: Local[dict[str, DataKey]] = Local(dict)
"""By owner."""


def wrapped_keys_of(owners: Collection[str]) -> Query[Mapping[str, bytes]]:
    """By owner, for those that have a key: to `remember`, or for a `Decryptor`."""
    return Query(WRAPPED, {"owners": list(owners)}, dict)


async def data_key(connection: AsyncConnection, keyring: Keyring, owner: str) -> DataKey:
    """The owner's key, made if missing. `owner` is a child's or person's id, or "number-" and the number's hash."""
    return (await data_keys(connection, keyring, [owner]))[owner]


async def data_keys(
    connection: AsyncConnection, keyring: Keyring, owners: Collection[str], *, new: bool = False
) -> dict[str, DataKey]:
    """Many owners' keys in one round trip, two where some are made. Two that make one key at once end with the same.

    `new`: probably none of them has a key yet. Then it is one round trip in any case.
    """
    wrapped = {} if new else await _wrapped(connection, owners)
    missing = [owner for owner in owners if owner not in wrapped]
    if missing:
        wrapped |= await _made(connection, keyring, missing)
    return {owner: keyring.unwrap(owner, wrapped[owner]) for owner in owners}


async def known_data_keys(connection: AsyncConnection, keyring: Keyring, owners: Collection[str]) -> dict[str, DataKey]:
    """The keys of those that have one. Everything that was encrypted under the others is erased."""
    wrapped = await _wrapped(connection, owners)
    return {owner: keyring.unwrap(owner, each) for owner, each in wrapped.items()}


def remember(uow: UnitOfWork, keyring: Keyring, owner: str, wrapped: bytes | None) -> None:
    """Keeps a key that came with another query, for `key_of`. `wrapped` is None if the owner has none."""
    if wrapped is not None:
        uow.local(KEYS)[owner] = keyring.unwrap(owner, wrapped)


async def key_of(uow: UnitOfWork, keyring: Keyring, owner: str, *, new: bool = False) -> DataKey:
    """As `data_key`, but read once a transaction. `new` as for `data_keys`."""
    key = uow.local(KEYS).get(owner)
    if key is None:
        key = (await data_keys(uow.connection, keyring, [owner], new=new))[owner]
        uow.local(KEYS)[owner] = key
    return key


async def _wrapped(connection: AsyncConnection, owners: Collection[str]) -> dict[str, bytes]:
    [rows] = await execute_pipelined(connection, (WRAPPED, {"owners": list(owners)}))
    return dict(rows)


async def _made(connection: AsyncConnection, keyring: Keyring, owners: Collection[str]) -> dict[str, bytes]:
    """Of two processes that make the same key at once, one waits in the first statement; the second statement, which
    begins after it, sees the key that the other committed. In one order, so that they do not deadlock.
    """
    fresh = [{"owner": owner, "wrapped": keyring.wrapped_new_key(owner)} for owner in sorted(owners)]
    _, rows = await execute_pipelined(connection, (MAKE, to_columns(fresh)), (WRAPPED, {"owners": list(owners)}))
    return dict(rows)


class Decryptor:
    """Decrypts one owner's columns. A column whose key was erased is a gap: None, as an empty column is.

    So it is where the owner has a new key by now. A column under the erased key looks the same as one that somebody
    changed: therefore each is logged as an error and counted. Raised, the error would stop messages about others too.
    """

    def __init__(self, keyring: Keyring, owner: str, wrapped: bytes | None) -> None:
        """Raises InvalidTag as `unwrap` does: otherwise everything would be a gap under a wrong master key."""
        self._key = None if wrapped is None else keyring.unwrap(owner, wrapped)

    def open(self, closed: bytes | None, place: str) -> str | None:
        content = self.open_bytes(closed, place)
        return None if content is None else content.decode()

    def open_bytes(self, closed: bytes | None, place: str) -> bytes | None:
        if closed is None or self._key is None:
            return None
        try:
            return self._key.open_bytes(closed, place)
        except InvalidTag as error:
            metrics.UNDECRYPTABLE.inc()
            logger().error("a column does not open: its key was erased, or it was changed", name=place, exc_info=error)
            return None


async def decryptor_of(connection: AsyncConnection, keyring: Keyring, owner: str) -> Decryptor:
    """Reads the owner's key. Makes none."""
    wrapped = await _wrapped(connection, [owner])
    return Decryptor(keyring, owner, wrapped.get(owner))
