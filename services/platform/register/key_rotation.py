"""Brings rows from older keys to the newest, in batches, while everything runs.

Each row shows by itself whether it is done: after a kill the rotation begins at the first row again, and skips what was
finished.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidTag
from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.register.keys import known_data_keys
from services.platform.register.views import data_keys
from services.platform.store.encryption import Keyring
from services.platform.store.transient_errors import is_transient
from services.platform.store.unit_of_work import Store, UnitOfWork

AT_ONCE = 200
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows were renewed, how many no key of ours opens, and the last one looked at (None behind the last)."""

    last: str | None
    changed: int = 0
    undecryptable: int = 0


Renews: TypeAlias = Callable[[UnitOfWork, Keyring, str], Awaitable[Batch]]
"""Rotates the rows after the one named, in order; the empty name is before the first."""


@dataclass(frozen=True, slots=True)
class Renewed:
    changed: int
    undecryptable: int


async def renew_all(
    engine: AsyncEngine, keyring: Keyring, parts: Mapping[str, Renews], tell: Callable[[str], None]
) -> bool:
    """Returns whether every row now lies under the newest keys. Calls `tell` with a line for each part."""
    store = Store(engine)
    whole = True
    for what, batch in parts.items():
        done = await renew(store, keyring, batch)
        tell(f"{what}: {done.changed} brought under the newest key")
        if done.undecryptable:
            tell(f"{what}: {done.undecryptable} are opened by none of these keys")
            whole = False
    await store.close()
    return whole


async def renew(store: Store, keyring: Keyring, batch: Renews) -> Renewed:
    """Repeats until a whole pass has found nothing to change: then no row needs an older key."""
    changed = 0
    while True:
        look = await _look(store, keyring, batch)
        changed += look.changed
        if not look.changed:
            return Renewed(changed, look.undecryptable)


async def _look(store: Store, keyring: Keyring, batch: Renews) -> Renewed:
    last, changed, undecryptable = "", 0, 0
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
        if done.last is None:
            return Renewed(changed, undecryptable)
        last = done.last


REWRAP = (
    update(data_keys)
    .where(data_keys.c.owner == bindparam("of"), data_keys.c.wrapped == bindparam("before"))
    .values(wrapped=bindparam("after"))
)


async def wrapped_keys(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Wraps data keys with the newest master key. The columns that they encrypt do not change."""
    found = await uow.connection.execute(
        select(data_keys).where(data_keys.c.owner > after).order_by(data_keys.c.owner).limit(AT_ONCE)
    )
    rows = found.all()
    anew, undecryptable = [], 0
    for owner, wrapped in rows:
        try:
            under_newest = keyring.wrapped_anew(owner, wrapped)
        except InvalidTag:
            undecryptable += 1
            continue
        if under_newest is not None:
            anew.append({"of": owner, "before": wrapped, "after": under_newest})
    if anew:
        await uow.connection.execute(REWRAP, anew)
    return Batch(rows[-1].owner if rows else None, len(anew), undecryptable)


@dataclass(frozen=True, slots=True)
class Hashed:
    """A row that is found by the hash of a number or address, which it also keeps encrypted under its owner's key."""

    of: Any
    owner: str
    closed: bytes | None
    number_hash: bytes


async def hashed_anew(
    uow: UnitOfWork, keyring: Keyring, rows: Sequence[Hashed], place: str, spelt: Callable[[str], str] = str
) -> tuple[list[dict[str, Any]], int]:
    """The hashes to write (`of`, `before`, `after`), and how many rows no key decrypts. `spelt` gives the form that is
    hashed.

    The hash of an erased owner goes too: nobody is to find them by their number.
    """
    keys = await known_data_keys(uow.connection, keyring, {row.owner for row in rows})
    anew, undecryptable = [], 0
    for row in rows:
        under_newest = None
        if row.closed is not None and row.owner in keys:
            try:
                under_newest = keyring.number_hash(spelt(keys[row.owner].open(row.closed, place)))
            except InvalidTag:
                undecryptable += 1
                continue
        if under_newest != row.number_hash:
            anew.append({"of": row.of, "before": row.number_hash, "after": under_newest})
    return anew, undecryptable
