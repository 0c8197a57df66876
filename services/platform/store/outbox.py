"""Messages to publish, written in the transaction of the effects that they tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.query import bulk_insert, execute_pipelined
from services.platform.store.tables import outbox
from services.platform.store.unit_of_work import Transaction

BATCH = 500


@dataclass(frozen=True, slots=True)
class Unsent:
    position: int
    key: str
    topic: str
    envelope: bytes


COLUMNS = {"key": "text", "topic": "text", "envelope": "bytea", "written_at": "timestamptz"}
PUT = f"""
    WITH put AS ({bulk_insert("outbox", COLUMNS, "RETURNING position, key")})
    SELECT key, array_agg(position ORDER BY position), (SELECT array_agg(position) FROM outbox WHERE outbox.key = put.key)
    FROM put GROUP BY key
"""  # noqa: S608 this module's own words
"""Gives for each key the places of what was put, in their order, and those of what lay there before: what a WITH writes, the rest
of its statement does not see.
"""


@dataclass(frozen=True, slots=True)
class Said:
    key: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction said under one key, and the places of what others had said under it that still lay there."""

    key: str
    messages: list[Unsent]
    older: frozenset[int]


async def put_all(transaction: Transaction, messages: Sequence[Said], *, topic: str, at: datetime) -> None:
    """Of one key, they are published in the order in which they were put, whatever their topics."""
    rows = [{"key": each.key, "topic": topic, "envelope": each.envelope, "written_at": at} for each in messages]
    transaction.write_last(PUT, *rows)
    transaction.keys_said.update((each.key, None) for each in messages)
    transaction.remembered.setdefault(put_all, []).extend((each.key, topic, each.envelope) for each in messages)


def committed(transaction: Transaction) -> list[Committed]:
    """What it said, as it lies in the outbox now."""
    places: dict[str, list[int]] = {}
    older: dict[str, set[int]] = {}
    for key, put, before in transaction.returned.get(PUT, ()):
        older.setdefault(key, set()).update(before or ())
        places.setdefault(key, []).extend(put)
    said: dict[str, list[Unsent]] = {key: [] for key in places}
    for key, topic, envelope in transaction.remembered.get(put_all, ()):
        said[key].append(Unsent(places[key][len(said[key])], key, topic, envelope))
    return [Committed(key, each, frozenset(older[key].difference(places[key]))) for key, each in said.items()]


async def take_unsent(connection: AsyncConnection, keys: Sequence[str]) -> list[Unsent]:
    """Takes the oldest out, a batch at most; they are back where the transaction does not commit.

    Until it ends no other process publishes these keys: two that relay one key would reorder it. The lock is a statement
    of its own, since the second must see what was committed while it waited; everybody locks keys in the same order, so
    that two who want the same ones do not wait for each other.
    """
    hold, take = (HOLD, {"keys": sorted(keys)}), (TAKE, {"keys": list(keys), "most": BATCH})
    _, _, rows = await execute_pipelined(connection, (NOBODY_WAITS, {}), hold, take)
    return sorted((Unsent(*row) for row in rows), key=lambda each: each.position)


async def remove(connection: AsyncConnection, published: Mapping[int, str]) -> None:
    """Takes out what was published without it: places, and the key of each. Holds the keys as `take_unsent` does."""
    hold, remove = (HOLD, {"keys": sorted(set(published.values()))}), (REMOVE, {"positions": list(published)})
    await execute_pipelined(connection, (NOBODY_WAITS, {}), hold, remove)


NOBODY_WAITS = "SET LOCAL synchronous_commit = off"
"""For the disk, at the commit. What a crash of PostgreSQL then forgets is that a message was taken out: it is published again, and
whoever hears it knows it by its id.
"""
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%(keys)s::text[]) AS key"
TAKE = """
    DELETE FROM outbox WHERE position IN (
        SELECT position FROM outbox WHERE key = ANY(%(keys)s::text[]) ORDER BY position LIMIT %(most)s
    )
    RETURNING position, key, topic, envelope
"""
REMOVE = "DELETE FROM outbox WHERE position = ANY(%(positions)b::bigint[])"


async def keys_unsent(connection: AsyncConnection, *, written_before: datetime) -> list[str]:
    """By unsent row, not by last position: positions become visible out of order."""
    rows = await connection.execute(
        select(outbox.c.key).where(outbox.c.written_at < written_before).group_by(outbox.c.key).limit(BATCH)
    )
    return list(rows.scalars())


async def depth(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    row = (await connection.execute(select(func.count(), func.min(outbox.c.written_at)))).one()
    return row[0], row[1]
