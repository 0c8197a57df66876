"""Messages to publish, written in the transaction of the effects that they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.tables import outbox
from services.store.transaction import Transaction

BATCH = 500


@dataclass(frozen=True, slots=True)
class Unsent:
    position: int
    key: str
    topic: str
    envelope: bytes


PUT = insert(outbox)


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
    await connection.execute(HOLD, {"keys": sorted(keys)})
    rows = await connection.execute(TAKE, {"keys": list(keys), "most": BATCH})
    return sorted((Unsent(*row) for row in rows), key=lambda each: each.position)


HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(CAST(:keys AS text[])) AS key")
TAKE = text("""
    DELETE FROM outbox WHERE position IN (
        SELECT position FROM outbox WHERE key = ANY(CAST(:keys AS text[])) ORDER BY position LIMIT :most
    )
    RETURNING position, key, topic, envelope
""")


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
