"""Keeps messages until they are published. They are written in the transaction of the effects that they report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.query import Query, Reader, Rows, all_rows, bulk_insert, execute_pipelined

BATCH = 500


def channel_of(service: str) -> str:
    """On which a process without a relay tells the service's relays that it has left messages in the outbox."""
    return f"outbox_{service}"


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
"""Returns, per key, the positions inserted and those queued before. (A statement does not see its own CTE's rows.)"""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A message that goes into the outbox with the commit. One key's messages are published in the order of writing."""

    key: str
    topic: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """The messages of one transaction under one key, and the positions of others that were queued under it before."""

    key: str
    messages: list[Unsent]
    older: frozenset[int]


def row(message: Unwritten, at: datetime) -> dict[str, object]:
    """For `PUT`. `at` is wall time."""
    return {"key": message.key, "topic": message.topic, "envelope": message.envelope, "written_at": at}


def list_committed(written: Sequence[Unwritten], returned: Sequence[tuple[Any, ...]]) -> list[Committed]:
    """Returns one transaction's messages, by key, with their positions. `returned`: the rows that `PUT` returned."""
    places: dict[str, list[int]] = {}
    older: dict[str, set[int]] = {}
    for key, put, before in returned:
        older.setdefault(key, set()).update(before or ())
        places.setdefault(key, []).extend(put)
    messages: dict[str, list[Unsent]] = {key: [] for key in places}
    for each in written:
        of_key = messages[each.key]
        of_key.append(Unsent(places[each.key][len(of_key)], each.key, each.topic, each.envelope))
    return [Committed(key, each, frozenset(older[key].difference(places[key]))) for key, each in messages.items()]


async def take_unsent(connection: AsyncConnection, keys: Sequence[str]) -> list[Unsent]:
    """Takes the oldest messages out, at most a batch. They return if the transaction does not commit.

    Until it ends no other process publishes these keys, since two that relay one key would reorder it. The lock is a
    statement of its own, so that the next one sees rows that were committed while it waited. Every process locks keys
    in the same order, so that two cannot deadlock.
    """
    hold, take = (HOLD, {"keys": sorted(keys)}), (TAKE, {"keys": list(keys), "most": BATCH})
    _, _, rows = await execute_pipelined(connection, (NOBODY_WAITS, {}), hold, take)
    return sorted((Unsent(*row) for row in rows), key=lambda each: each.position)


NOBODY_WAITS = "SET LOCAL synchronous_commit = off"
"""The commit does not wait for the disk. After a crash of PostgreSQL a removal may be lost: the message is then
published again, and its consumers know its id.
"""
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%(keys)s::text[]) AS key"
TAKE = """
    DELETE FROM outbox WHERE position IN (
        SELECT position FROM outbox WHERE key = ANY(%(keys)s::text[]) ORDER BY position LIMIT %(most)s
    )
    RETURNING position, key, topic, envelope
"""
REMOVE = """
    WITH ours AS MATERIALIZED (SELECT position, key FROM outbox WHERE position = ANY(%(positions)b::bigint[]))
    DELETE FROM outbox WHERE position IN (
        SELECT position FROM ours WHERE pg_try_advisory_xact_lock(hashtextextended(key, 0))
    )
"""
"""Leaves alone what another process publishes and takes out meanwhile: nothing waits here."""


@dataclass(frozen=True, slots=True)
class Left:
    """What is in the outbox. `keys`: of messages written before the given time, at most a batch. `published`: those of
    the given positions that could not be removed.
    """

    keys: Sequence[str]
    published: Sequence[int]
    depth: int
    oldest: datetime | None


LEFT = """
    SELECT count(*) AS depth, min(written_at) AS oldest,
        ARRAY(SELECT key FROM outbox WHERE written_at < %(before)s GROUP BY key LIMIT %(most)s) AS keys,
        ARRAY(SELECT position FROM outbox WHERE position = ANY(%(positions)b::bigint[])) AS published
    FROM outbox
"""


async def clear(reader: Reader, published: Collection[int], written_before: datetime) -> Left:
    """Removes messages that were published from memory, by position, and tells what is left. Looks at every row, not at
    a last position, since positions become visible out of order.
    """

    def decode(rows: Rows) -> Left:
        [row] = rows
        return Left(row.keys, row.published, row.depth, row.oldest)

    about = {"positions": list(published), "before": written_before, "most": BATCH}
    _, _, left = await reader.fetch(
        Query(NOBODY_WAITS, {}, all_rows), Query(REMOVE, about, all_rows), Query(LEFT, about, decode)
    )
    return left
