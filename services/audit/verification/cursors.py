"""Reads the record by the database's own cursors, a batch at a time, so that a reader needs no more memory for ten
million entries.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import Anchor, Entry, Head

AT_ONCE = 1000
COLUMNS = "e.chain, e.position, e.recorded_at, e.kind, e.happened_at, e.episode, e.envelope, e.previous, e.hash"
OF_CHAIN = f"SELECT {COLUMNS} FROM audit.entries AS e WHERE e.chain = :chain ORDER BY e.position"  # noqa: S608 own words
ENTRIES = f"SELECT {COLUMNS} FROM audit.entries AS e ORDER BY e.chain, e.position"  # noqa: S608 own words
HEADS = "SELECT h.chain, h.position, h.hash, h.anchor FROM audit.heads AS h"
# What has grown since an anchor begins with the last entry that was fixed until then, which joins it to what is known.
GROWN = """
    WITH candidates AS (
        SELECT chain, position FROM audit.tips
        UNION ALL SELECT chain, position FROM audit.heads WHERE anchor > :since
    ), reached AS (
        SELECT chain, max(position) AS position FROM candidates GROUP BY chain
    ), grown AS MATERIALIZED (
        SELECT reached.chain, coalesce(known.position, 0) AS known FROM reached LEFT JOIN LATERAL (
            SELECT position FROM audit.heads
            WHERE chain = reached.chain AND anchor <= :since ORDER BY position DESC LIMIT 1
        ) AS known ON true
        WHERE reached.position > coalesce(known.position, 0)
    )
"""
ENTRIES_SINCE = f"""
    {GROWN} SELECT {COLUMNS} FROM grown JOIN audit.entries AS e ON e.chain = grown.chain AND e.position >= grown.known
    ORDER BY e.chain, e.position
"""  # noqa: S608 own words
HEADS_SINCE = f"""
    {GROWN} SELECT h.chain, h.position, h.hash, h.anchor
    FROM grown JOIN audit.heads AS h ON h.chain = grown.chain AND h.position >= grown.known
    ORDER BY h.chain, h.position
"""  # noqa: S608 own words


async def entries_of(connection: AsyncConnection, chain: str) -> AsyncIterator[Entry]:
    async for row in _rows(connection, OF_CHAIN, {"chain": chain}):
        yield Entry(*row)


async def entries(connection: AsyncConnection, since: int | None) -> AsyncIterator[Entry]:
    """By chain and position. `since`: only of chains that have grown since that anchor, from their last head of then
    on.
    """
    sql, values = (ENTRIES, {}) if since is None else (ENTRIES_SINCE, {"since": since})
    async for row in _rows(connection, sql, values):
        yield Entry(*row)


async def heads_by_chain(connection: AsyncConnection, since: int | None) -> AsyncIterator[Head]:
    """By chain and position; of the chains, and from the place in each, that `entries` gives."""
    everything = f"{HEADS} ORDER BY h.chain, h.position"
    sql, values = (everything, {}) if since is None else (HEADS_SINCE, {"since": since})
    async for row in _rows(connection, sql, values):
        yield Head(*row)


async def heads_by_anchor(connection: AsyncConnection) -> AsyncIterator[Head]:
    async for row in _rows(connection, f"{HEADS} ORDER BY h.anchor", {}):
        yield Head(*row)


async def anchors(connection: AsyncConnection) -> AsyncIterator[Anchor]:
    """All, oldest first."""
    async for row in _rows(connection, "SELECT number, made_at, previous, hash FROM audit.anchors ORDER BY number", {}):
        yield Anchor(*row)


async def _rows(connection: AsyncConnection, sql: str, values: Mapping[str, Any]) -> AsyncIterator[Any]:
    found = await connection.stream(text(sql), values, execution_options={"yield_per": AT_ONCE})
    async for rows in found.partitions(AT_ONCE):
        for row in rows:
            yield row
