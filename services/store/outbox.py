"""Messages to publish, written in the transaction of the effects that they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.pipeline import at_once, insert_given
from services.store.tables import outbox
from services.store.transaction import Transaction

BATCH = 500


@dataclass(frozen=True, slots=True)
class Unsent:
    position: int
    key: str
    topic: str
    envelope: bytes


PUT = insert_given("outbox", {"key": "text", "topic": "text", "envelope": "bytea", "written_at": "timestamptz"})


@dataclass(frozen=True, slots=True)
class Said:
    key: str
    envelope: bytes


async def put_all(transaction: Transaction, messages: Sequence[Said], *, topic: str, at: datetime) -> None:
    """Of one key, they are published in the order in which they were put, whatever their topics."""
    rows = [{"key": each.key, "topic": topic, "envelope": each.envelope, "written_at": at} for each in messages]
    transaction.write_last(PUT, *rows)
    transaction.keys_said.update((each.key, None) for each in messages)


async def take_unsent(connection: AsyncConnection, keys: Sequence[str]) -> list[Unsent]:
    """Takes the oldest out, a batch at most; they are back where the transaction does not commit.

    Until it ends no other process publishes these keys: two that relay one key would reorder it. The lock is a statement
    of its own, since the second must see what was committed while it waited; everybody locks keys in the same order, so
    that two who want the same ones do not wait for each other.
    """
    hold, take = (HOLD, {"keys": sorted(keys)}), (TAKE, {"keys": list(keys), "most": BATCH})
    _, _, rows = await at_once(connection, (NOBODY_WAITS, {}), hold, take)
    return sorted((Unsent(*row) for row in rows), key=lambda each: each.position)


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


async def unsent_of(connection: AsyncConnection, *keys: str) -> list[Unsent]:
    """What waits to be published, oldest first."""
    chosen = select(outbox.c.position, outbox.c.key, outbox.c.topic, outbox.c.envelope)
    rows = await connection.execute(chosen.where(outbox.c.key.in_(keys)).order_by(outbox.c.position))
    return [Unsent(*row) for row in rows]


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
