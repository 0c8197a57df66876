"""Caches what this process read of the register, for seconds: what hardly ever changes and harms nobody when it is that
old.

Never who holds a role, or how a person is reached: that is asked at each telling.

Keeps data keys, one an owner, each sealed by its authority's key. Deleting a key erases all that is under it.

Brings rows from older keys to the newest, in batches, while everything runs.

Each row shows by itself whether it is done: after a kill the rotation begins at the first row again, and skips what was
finished.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cachetools import TTLCache
from cryptography.exceptions import InvalidTag
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.runtime.logs import logger
from services.platform.store.encryption import DOES_NOT_OPEN, OF_NO_AUTHORITY, DataKey, Keyring
from services.platform.store.engine import is_transient
from services.platform.store.query import Query, all_rows, execute_pipelined
from services.platform.store.unit_of_work import Local, Store, UnitOfWork

FRESH_SECONDS = 2.0
MOST_KEYS = 1000
"""A few are expected: one for each authority or force."""


def new_cache(timer: Callable[[], float] = time.monotonic) -> TTLCache[Any, Any]:
    """`timer` gives seconds. A value of None counts as read."""
    return TTLCache(MOST_KEYS, FRESH_SECONDS, timer)


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


AT_ONCE = 200
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows were renewed, how many no key of ours opens, and the last one looked at; None after the end."""

    last: str | None
    changed: int = 0
    undecryptable: int = 0


Renews: TypeAlias = Callable[[UnitOfWork, Keyring, str], Awaitable[Batch]]
"""Rotates the rows after the one named, in order; the empty name is before the first."""


async def renew_all(
    engine: AsyncEngine, keyring: Keyring, parts: Mapping[str, Renews], tell: Callable[[str], None]
) -> bool:
    """Returns whether every row now lies under the newest keys. Calls `tell` with a line for each part."""
    store = Store(engine)
    whole = True
    for what, batch in parts.items():
        done = await _renew(store, keyring, batch)
        tell(f"{what}: {done.changed} brought under the newest key")
        if done.undecryptable:
            tell(f"{what}: {done.undecryptable} are opened by none of these keys")
            whole = False
    await store.close()
    return whole


async def _renew(store: Store, keyring: Keyring, batch: Renews) -> Batch:
    """Repeats until a whole pass has found nothing to change: then no row needs an older key."""
    before, last, changed, undecryptable = 0, "", 0, 0
    while True:
        try:
            async with store.transaction() as uow:
                done = await batch(uow, keyring, last)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        changed, undecryptable = changed + done.changed, undecryptable + done.undecryptable
        last = done.last or ""
        if not last:
            if changed == before:
                return Batch(None, changed, undecryptable)
            before, undecryptable = changed, 0


AUTHORITY_KEYS = "SELECT authority, wrapped FROM register.authority_keys WHERE authority > %(after)s ORDER BY authority LIMIT %(most)s"
REWRAP = (
    "UPDATE register.authority_keys SET wrapped = %(anew)s WHERE authority = %(authority)s AND wrapped = %(before)s"
)
DATA_KEYS = """
    SELECT owner, k.wrapped, s.authority, coalesce(c.authority, p.authority, l.authority,
           (SELECT min(authority) FROM register.provisional_children WHERE child = owner), s.authority) AS belongs_to
    FROM register.sealed_keys s JOIN register.data_keys k USING (owner)
    LEFT JOIN register.children c ON c.id = owner LEFT JOIN register.people p ON p.id = owner
    LEFT JOIN register.placements l ON l.id = owner
    WHERE owner > %(after)s ORDER BY owner LIMIT %(most)s
"""


async def authority_keys(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Wraps authorities' keys by the newest key above them. The data keys that they seal do not change."""

    async def rewrap(row: Any) -> bool:
        anew = keyring.authority_key_anew(row.wrapped)
        if anew is not None:
            uow.write(REWRAP, {"authority": row.authority, "before": row.wrapped, "anew": anew})
        return anew is not None

    rows = await uow.fetch(Query(AUTHORITY_KEYS, {"after": after, "most": AT_ONCE}, all_rows))
    return await _batch(rows, rows[-1].authority if rows else None, rewrap)


async def renew_data_keys(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Moves data keys to the authority that the register now names. The columns that they encrypt do not change."""

    async def move(row: Any) -> bool:
        keyring.unwrap(row.owner, row.wrapped)
        if row.authority != row.belongs_to:
            await move_data_key(uow.connection, keyring, row.owner, row.belongs_to)
        return bool(row.authority != row.belongs_to)

    rows = await uow.fetch(Query(DATA_KEYS, {"after": after, "most": AT_ONCE}, all_rows))
    return await _batch(rows, rows[-1].owner if rows else None, move)


async def _batch(rows: Sequence[Any], last: str | None, renew_row: Callable[[Any], Awaitable[bool]]) -> Batch:
    changed, undecryptable = 0, 0
    for row in rows:
        try:
            changed += await renew_row(row)
        except DOES_NOT_OPEN:
            undecryptable += 1
    return Batch(last, changed, undecryptable)


@dataclass(frozen=True, slots=True)
class Hashed:
    """A row that is found by the hash of a number or address, which it also keeps encrypted under its owner's key."""

    of: Any
    owner: str
    closed: bytes | None
    number_hash: bytes


async def rehash(
    uow: UnitOfWork, keyring: Keyring, rows: Sequence[Hashed], place: str, sql: str, spelt: Callable[[str], str] = str
) -> Batch:
    """`sql` writes a hash: it is given `of`, `before` and `after`. `spelt` gives the form that is hashed.

    The hash of an erased owner goes too: nobody is to find them by their number.
    """
    wrapped = await uow.fetch(wrapped_keys_of({row.owner for row in rows}))
    changed, undecryptable = 0, 0
    for row in rows:
        under_newest = None
        if row.closed is not None and row.owner in wrapped:
            try:
                key = keyring.unwrap(row.owner, wrapped[row.owner])
                under_newest = keyring.number_hash(spelt(key.open(row.closed, place)))
            except DOES_NOT_OPEN:
                undecryptable += 1
                continue
        if under_newest != row.number_hash:
            uow.write(sql, {"of": row.of, "before": row.number_hash, "after": under_newest})
            changed += 1
    return Batch(str(rows[-1].of) if rows else None, changed, undecryptable)
