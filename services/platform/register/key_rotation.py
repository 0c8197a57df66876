"""Brings rows from older keys to the newest, in batches, while everything runs.

Each row shows by itself whether it is done: after a kill the rotation begins at the first row again, and skips what was
finished.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.register.keys import move_data_key, wrapped_keys_of
from services.platform.store.encryption import Keyring
from services.platform.store.key_wrappers.wrapper import DOES_NOT_OPEN
from services.platform.store.query import Query, all_rows
from services.platform.store.transient_errors import is_transient
from services.platform.store.unit_of_work import Store, UnitOfWork

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


async def data_keys(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
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
