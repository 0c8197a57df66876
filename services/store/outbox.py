"""Messages to publish, written in the transaction of the effects that they tell of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, any_, cast, delete, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
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


async def put(transaction: Transaction, *, key: str, topic: str, envelope: bytes, at: datetime) -> None:
    await transaction.connection.execute(insert(outbox).values(key=key, topic=topic, envelope=envelope, written_at=at))
    transaction.keys_said[key] = None


@dataclass(frozen=True, slots=True)
class Said:
    key: str
    envelope: bytes


async def put_all(transaction: Transaction, messages: Sequence[Said], *, topic: str, at: datetime) -> None:
    """Many messages in one round trip; of one key, in the order given."""
    rows = [{"key": each.key, "topic": topic, "envelope": each.envelope, "written_at": at} for each in messages]
    if rows:
        await transaction.connection.execute(insert(outbox), rows)
        transaction.keys_said.update((each.key, None) for each in messages)


async def hold_keys(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """Until the transaction ends no other process publishes these keys: two that relay one key would reorder it.

    Everybody takes keys in the same order, so that two who want the same ones do not wait for each other.
    """
    key = func.unnest(cast(sorted(keys), ARRAY(Text))).column_valued("key")
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def unsent_of(connection: AsyncConnection, *keys: str) -> list[Unsent]:
    """Oldest first, a batch at most."""
    rows = await connection.execute(
        select(outbox.c.position, outbox.c.key, outbox.c.topic, outbox.c.envelope)
        .where(outbox.c.key == any_(cast(list(keys), ARRAY(Text))))
        .order_by(outbox.c.position)
        .limit(BATCH)
    )
    return [Unsent(*row) for row in rows]


async def keys_unsent(connection: AsyncConnection, *, written_before: datetime) -> list[str]:
    """By unsent row, not by last position: positions become visible out of order."""
    rows = await connection.execute(
        select(outbox.c.key).where(outbox.c.written_at < written_before).group_by(outbox.c.key).limit(BATCH)
    )
    return list(rows.scalars())


async def forget(connection: AsyncConnection, positions: Sequence[int]) -> None:
    await connection.execute(delete(outbox).where(outbox.c.position.in_(positions)))


async def depth(connection: AsyncConnection) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    row = (await connection.execute(select(func.count(), func.min(outbox.c.written_at)))).one()
    return row[0], row[1]
