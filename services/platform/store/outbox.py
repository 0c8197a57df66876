"""Keeps messages until they are published, and then until they are safe. They are written in the transaction of the
effects that they report.

Kafka's acknowledgement is not yet safety: a disk that lied, or a cluster that was made anew, has lost what it
acknowledged. So a published message moves to the table `published`, with its place, and back if it is gone from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.query import Query, bulk_insert, execute_pipelined, to_columns, unnest_rows

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
class Committed:
    """The messages of one transaction under one key, and the positions of others that were queued under it before."""

    key: str
    messages: list[Unsent]
    older: frozenset[int]


def list_committed(written: Sequence[Mapping[str, Any]], returned: Sequence[tuple[Any, ...]]) -> list[Committed]:
    """One transaction's messages by key, with their positions, from the rows that `PUT` was given and what it returned.

    One key's messages are published in the order of writing.
    """
    places: dict[str, list[int]] = {}
    older: dict[str, set[int]] = {}
    for key, put, before in returned:
        older.setdefault(key, set()).update(before or ())
        places.setdefault(key, []).extend(put)
    messages: dict[str, list[Unsent]] = {key: [] for key in places}
    for each in written:
        of_key = messages[each["key"]]
        of_key.append(Unsent(places[each["key"]][len(of_key)], each["key"], each["topic"], each["envelope"]))
    return [Committed(key, each, frozenset(older[key].difference(places[key]))) for key, each in messages.items()]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that Kafka has acknowledged, and its place there, which is no name for it: another message stands there
    after a loss. `epoch`: at most the one in which it was written.
    """

    position: int
    key: str
    log: str
    partition: int
    epoch: int
    log_offset: int


async def oldest_unsent(connection: AsyncConnection, keys: Sequence[str]) -> list[Unsent]:
    """Returns the oldest messages, at most a batch.

    Until the transaction ends no other process of the service publishes these keys, since two that relay one key would
    reorder it. The lock is a statement of its own, so that the next one sees rows that were committed while it waited.
    Every process locks keys in the same order, so that two cannot deadlock.
    """
    hold, read = (HOLD, {"keys": sorted(keys)}), (READ, {"keys": list(keys), "most": BATCH})
    _, _, rows = await execute_pipelined(connection, (NOBODY_WAITS, {}), hold, read)
    return [Unsent(*row) for row in rows]


async def keep(connection: AsyncConnection, sent: Sequence[Sent]) -> None:
    """Takes published messages out, and keeps them with their places. Locks keys as `oldest_unsent`."""
    hold = (HOLD, {"keys": sorted({each.key for each in sent})})
    await execute_pipelined(connection, (NOBODY_WAITS, {}), hold, (KEEP, to_columns([asdict(each) for each in sent])))


NOBODY_WAITS = "SET LOCAL synchronous_commit = off"
"""The commit does not wait for the disk. After a crash of PostgreSQL a removal may be lost: the message is then
published again, and its consumers know its id.
"""
HOLD = """
    SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || key, 0)) FROM unnest(%(keys)s::text[]) AS key
"""
READ = """
    SELECT position, key, topic, envelope FROM outbox WHERE key = ANY(%(keys)s::text[]) ORDER BY position LIMIT %(most)s
"""
PLACE = {
    "position": "bigint",
    "key": "text",
    "log": "text",
    "partition": "integer",
    "epoch": "integer",
    "log_offset": "bigint",
}
KEEP = f"""
    WITH gone AS (
        DELETE FROM outbox USING {unnest_rows(PLACE)} WHERE outbox.position = given.position
        RETURNING outbox.position, outbox.key, topic, envelope, log, partition, epoch, log_offset
    )
    INSERT INTO published (position, key, topic, envelope, log, partition, epoch, log_offset, published_at)
    SELECT gone.*, now() FROM gone
"""  # noqa: S608 this module's own words


@dataclass(frozen=True, slots=True)
class Written:
    """What was written to one log in one epoch. The log has it up to, and without, `ends_at`."""

    topic: str
    log: str
    partition: int
    epoch: int
    ends_at: int = 0


WRITTEN = "SELECT DISTINCT topic, log, partition, epoch FROM published"
WHERE_WRITTEN = Query(WRITTEN, {}, lambda rows: [Written(*row) for row in rows])
"""Reads all that is kept: to be asked only when Kafka's logs have changed."""
LOSABLE = {"topic": "text", "log": "text", "partition": "integer", "epoch": "integer", "ends_at": "bigint"}
PUT_BACK = f"""
    WITH lost AS (
        DELETE FROM published WHERE ctid = ANY(ARRAY(
            SELECT published.ctid FROM published JOIN {unnest_rows(LOSABLE)}
            ON (published.topic, published.log, published.partition, published.epoch)
                = (given.topic, given.log, given.partition, given.epoch) AND log_offset >= ends_at
            ORDER BY position LIMIT %(most)s
        )) RETURNING position, key, topic, envelope
    )
    INSERT INTO outbox (position, key, topic, envelope, written_at) OVERRIDING SYSTEM VALUE
    SELECT lost.*, now() FROM lost RETURNING key
"""  # noqa: S608 this module's own words
PUT_BACK_AT_ONCE = 20_000
"""Three days of everything in one statement would never be done within a statement's time."""


async def put_back(connection: AsyncConnection, lost: Sequence[Written], most: int = PUT_BACK_AT_ONCE) -> list[str]:
    """What stood at or beyond the ends waits to be published again, under its old position: the oldest first, `most` at
    once. Returns a key a message, none where all are back.
    """
    about = to_columns([asdict(each) for each in lost]) | {"most": most}
    [rows] = await execute_pipelined(connection, (PUT_BACK, about))
    return [key for (key,) in rows]


@dataclass(frozen=True, slots=True)
class Left:
    """What is in the outbox. `keys`: of messages written before the given time, at most a batch."""

    keys: Sequence[str]
    depth: int
    oldest: datetime | None


LEFT = """
    SELECT count(*) AS depth, min(written_at) AS oldest,
        ARRAY(SELECT key FROM outbox WHERE written_at < %(before)s GROUP BY key LIMIT %(most)s) AS keys
    FROM outbox
"""


def left(written_before: datetime) -> Query[Left]:
    """Looks at every row, not at a last position, since positions become visible out of order."""
    return Query(LEFT, {"before": written_before, "most": BATCH}, lambda rows: Left(**rows[0]._asdict()))
