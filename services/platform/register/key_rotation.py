"""Brings what lies in the database from older keys to the newest, in batches, while everything runs.

Every row says by itself whether it is done: whoever is killed begins again at the first and passes over what was finished.
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
    """How many rows were brought over, how many none of our keys opens, and the last one looked at: None behind the last."""

    last: str | None
    changed: int = 0
    shut: int = 0


Renews: TypeAlias = Callable[[UnitOfWork, Keyring, str], Awaitable[Batch]]
"""Looks at the rows behind the one named, in order; the empty name is before the first."""


@dataclass(frozen=True, slots=True)
class Renewed:
    changed: int
    shut: int


async def renew_all(
    engine: AsyncEngine, keyring: Keyring, parts: Mapping[str, Renews], tell: Callable[[str], None]
) -> bool:
    """Whether every row now lies under the newest keys. `tell` hears what was done, a line a part."""
    store = Store(engine)
    whole = True
    for what, batch in parts.items():
        done = await renew(store, keyring, batch)
        tell(f"{what}: {done.changed} brought under the newest key")
        if done.shut:
            tell(f"{what}: {done.shut} are opened by none of these keys")
            whole = False
    await store.close()
    return whole


async def renew(store: Store, keyring: Keyring, batch: Renews) -> Renewed:
    """Looks again until a whole look has found nothing to change: then nothing there needs an older key."""
    changed = 0
    while True:
        look = await _look(store, keyring, batch)
        changed += look.changed
        if not look.changed:
            return Renewed(changed, look.shut)


async def _look(store: Store, keyring: Keyring, batch: Renews) -> Renewed:
    last, changed, shut = "", 0, 0
    while True:
        try:
            async with store.transaction() as uow:
                done = await batch(uow, keyring, last)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        changed, shut = changed + done.changed, shut + done.shut
        if done.last is None:
            return Renewed(changed, shut)
        last = done.last


REWRAP = (
    update(data_keys)
    .where(data_keys.c.owner == bindparam("of"), data_keys.c.wrapped == bindparam("before"))
    .values(wrapped=bindparam("after"))
)


async def wrapped_keys(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Data keys under the newest master key. What they close is not touched."""
    found = await uow.connection.execute(
        select(data_keys).where(data_keys.c.owner > after).order_by(data_keys.c.owner).limit(AT_ONCE)
    )
    rows = found.all()
    anew, shut = [], 0
    for owner, wrapped in rows:
        try:
            under_newest = keyring.wrapped_anew(owner, wrapped)
        except InvalidTag:
            shut += 1
            continue
        if under_newest is not None:
            anew.append({"of": owner, "before": wrapped, "after": under_newest})
    if anew:
        await uow.connection.execute(REWRAP, anew)
    return Batch(rows[-1].owner if rows else None, len(anew), shut)


@dataclass(frozen=True, slots=True)
class Hashed:
    """A row that is found by a number or address, which the row also keeps, closed under its owner's key."""

    of: Any
    owner: str
    closed: bytes | None
    number_hash: bytes


async def hashed_anew(
    uow: UnitOfWork, keyring: Keyring, rows: Sequence[Hashed], place: str, spelt: Callable[[str], str] = str
) -> tuple[list[dict[str, Any]], int]:
    """What to write over which hash (`of`, `before`, `after`), and how many rows no key opens. `spelt` is how it is hashed.

    Of an erased owner nobody knows the number, and nobody is to find them by it: the hash goes too.
    """
    keys = await known_data_keys(uow.connection, keyring, {row.owner for row in rows})
    anew, shut = [], 0
    for row in rows:
        under_newest = None
        if row.closed is not None and row.owner in keys:
            try:
                under_newest = keyring.number_hash(spelt(keys[row.owner].open(row.closed, place)))
            except InvalidTag:
                shut += 1
                continue
        if under_newest != row.number_hash:
            anew.append({"of": row.of, "before": row.number_hash, "after": under_newest})
    return anew, shut
