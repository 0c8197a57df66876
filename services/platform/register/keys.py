"""Keeps data keys, one an owner, each sealed by its authority's key. Deleting a key erases all that is under it."""

from collections.abc import Collection, Mapping

from cryptography.exceptions import InvalidTag
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.runtime.logs import logger
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.key_wrappers.wrapper import OF_NO_AUTHORITY
from services.platform.store.query import Query, execute_pipelined
from services.platform.store.unit_of_work import Local, UnitOfWork

UNDECRYPTABLE = Counter(
    "register_columns_shut",
    "Columns read as a gap because their owner's key does not open them: it was erased and made anew, or the column was changed",
)


WRAPPED = "SELECT owner, wrapped FROM register.data_keys WHERE owner = ANY(%(owners)s::text[])"
AUTHORITY_KEY = "SELECT wrapped FROM register.authority_keys WHERE authority = %(authority)s"
MAKE_AUTHORITY_KEY = """
    INSERT INTO register.authority_keys (authority, wrapped) VALUES (%(authority)s, %(wrapped)s) ON CONFLICT DO NOTHING
"""
MAKE = """
    INSERT INTO register.sealed_keys (owner, authority, sealed)
    SELECT owner, k.authority, substr(fresh.wrapped, length(k.wrapped) + 1)
    FROM unnest(%(owner)s::text[], %(wrapped)s::bytea[]) fresh (owner, wrapped), register.authority_keys k
    WHERE k.authority = %(authority)s AND k.wrapped = %(under)s ORDER BY owner ON CONFLICT DO NOTHING
"""
"""Makes none if the authority's key has changed meanwhile."""
MOVE = """
    UPDATE register.sealed_keys s SET authority = k.authority, sealed = substr(%(wrapped)s, length(k.wrapped) + 1)
    FROM register.authority_keys k
    WHERE s.owner = %(owner)s AND k.authority = %(authority)s AND k.wrapped = %(under)s
"""

KEYS: Local[dict[str, DataKey]] = Local(dict)
"""By owner."""


def wrapped_keys_of(owners: Collection[str]) -> Query[Mapping[str, bytes]]:
    """The keys of those owners that have one. What lies under the others' is erased."""
    return Query(WRAPPED, {"owners": list(owners)}, dict)


async def data_key(connection: AsyncConnection, keyring: Keyring, owner: str) -> DataKey:
    """The owner's key, made if missing. `owner` is a child's or person's id, or "number-" and the number's hash."""
    return (await data_keys(connection, keyring, [owner]))[owner]


async def data_keys(
    connection: AsyncConnection,
    keyring: Keyring,
    owners: Collection[str],
    *,
    new: bool = False,
    authority: str = OF_NO_AUTHORITY,
) -> dict[str, DataKey]:
    """Many owners' keys in one round trip, two where some are made. Two that make one key at once end with the same.

    `new`: probably none of them has a key yet. Then it is one round trip in any case. `authority`: whose key seals
    those that are made. A process reads an authority's key once.
    """
    wrapped = {} if new else await _read_wrapped(connection, owners)
    missing = [owner for owner in owners if owner not in wrapped]
    if missing:
        wrapped |= await _make(connection, keyring, missing, authority)
    return {owner: keyring.unwrap(owner, wrapped[owner]) for owner in owners}


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


async def _read_wrapped(connection: AsyncConnection, owners: Collection[str]) -> dict[str, bytes]:
    [rows] = await execute_pipelined(connection, (WRAPPED, {"owners": list(owners)}))
    return dict(rows)


async def _make(
    connection: AsyncConnection, keyring: Keyring, owners: Collection[str], authority: str
) -> dict[str, bytes]:
    """Of two processes that make the same key at once, one waits in the first statement; the second statement, which
    begins after it, sees the key that the other committed. In one order, so that they do not deadlock.
    """
    under = keyring.authority_keys.get(authority) or await _authority_key(connection, keyring, authority)
    while True:
        wrapped = [keyring.wrapped_new_key(owner, under) for owner in owners]
        made = {"owner": list(owners), "wrapped": wrapped, "authority": authority, "under": under}
        _, rows = await execute_pipelined(connection, (MAKE, made), (WRAPPED, {"owners": list(owners)}))
        if len(rows) == len(set(owners)):
            return dict(rows)
        under = await _authority_key(connection, keyring, authority)


async def _authority_key(connection: AsyncConnection, keyring: Keyring, authority: str) -> bytes:
    """The authority's key, wrapped, as it is now. Made if missing."""
    asked = (AUTHORITY_KEY, {"authority": authority})
    [rows] = await execute_pipelined(connection, asked)
    if not rows:
        made = {"authority": authority, "wrapped": keyring.new_authority_key(authority)}
        _, rows = await execute_pipelined(connection, (MAKE_AUTHORITY_KEY, made), asked)
    under = keyring.authority_keys[authority] = bytes(rows[0][0])
    return under


async def move_data_key(connection: AsyncConnection, keyring: Keyring, owner: str, authority: str) -> None:
    """Puts it under another authority's key. What it encrypts does not change. Raises InvalidTag."""
    wrapped = (await _read_wrapped(connection, [owner])).get(owner)
    if wrapped is not None:
        under = await _authority_key(connection, keyring, authority)
        moved = keyring.moved(owner, wrapped, under)
        await execute_pipelined(
            connection, (MOVE, {"owner": owner, "wrapped": moved, "authority": authority, "under": under})
        )


class Decryptor:
    """Decrypts one owner's columns. A column whose key was erased is a gap: None, as an empty column is.

    It is a gap too if the owner has a new key by now. A column under the erased key then looks like one that somebody
    changed, so each is logged as an error and counted. Raised, the error would stop messages about others too.
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
            UNDECRYPTABLE.inc()
            logger().error("a column does not open: its key was erased, or it was changed", name=place, exc_info=error)
            return None


async def decryptor_of(connection: AsyncConnection, keyring: Keyring, owner: str) -> Decryptor:
    """Reads the owner's key. Makes none."""
    wrapped = await _read_wrapped(connection, [owner])
    return Decryptor(keyring, owner, wrapped.get(owner))
