"""Keeps story time's offset: one row that only grows. PostgreSQL tells every process of its changes."""

from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store

FOLLOW_EVERY_SECONDS = 60.0
"""Without a notification."""
MOVED = "story_clock"
"""The channel on which a trigger of the table tells of each change."""
SKEW = Gauge("database_clock_skew_seconds", "How far this process's clock and the database's are apart, at the least")


def follow_offset(store: Store, clocks: Clocks) -> Repeating:
    async def turn() -> None:
        async with store.reading.connect() as connection:
            clocks.move_to(await ahead_by(connection))
            asked_at = clocks.wall()
            there = await connection.scalar(text("SELECT clock_timestamp()")) or asked_at
            SKEW.set(max(timedelta(), asked_at - there, there - clocks.wall()).total_seconds())

    following = Repeating("story clock", turn, every_seconds=FOLLOW_EVERY_SECONDS, again_seconds=0.5)
    store.channels.on(MOVED, lambda _: following.wake())
    return following


async def ahead_by(connection: AsyncConnection) -> timedelta:
    """Zero outside the sandbox."""
    return timedelta() + (await connection.scalar(text("SELECT ahead_by FROM story.clock")) or timedelta())


async def move_forward(engine: AsyncEngine, by: timedelta) -> timedelta:
    """Returns the new offset. Raises ValueError for a move that is not forward. Call it only in a declared sandbox."""
    if by <= timedelta():
        raise ValueError("story time moves forward only")
    async with engine.begin() as connection:
        move = text("UPDATE story.clock SET ahead_by = ahead_by + :by RETURNING ahead_by")
        moved = await connection.scalar(move, {"by": by})
    return timedelta() + (moved or timedelta())
