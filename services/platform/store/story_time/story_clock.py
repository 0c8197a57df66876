"""Keeps story time's offset, one row that only grows, and every process by the database's clock."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.story_time.database_time import set_by
from services.platform.store.unit_of_work import Store

FOLLOW_EVERY_SECONDS = 60.0
"""Without a notification."""
AWAITED_SECONDS = 3.0
MOVED = "story_clock"
"""The channel on which a trigger of the table tells of each change, and any process that the clock itself was set."""


class StoryClock(Repeating):
    """A part of the process."""

    async def start(self) -> None:
        """Parts that start later have the database's time from the beginning, unless it is away."""
        with suppress(Exception):
            async with asyncio.timeout(AWAITED_SECONDS):
                await self._turn()
        await super().start()


def follow_database(store: Store, clocks: Clocks) -> StoryClock:
    async def turn() -> None:
        async with store.reading.connect() as connection:
            if await set_by(connection, clocks):
                await connection.execute(text(f"NOTIFY {MOVED}"))

    clock = StoryClock("story clock", turn, every_seconds=FOLLOW_EVERY_SECONDS, again_seconds=0.5)
    store.channels.on(MOVED, lambda _: clock.wake())
    return clock


async def move_forward(engine: AsyncEngine, by: timedelta) -> timedelta:
    """Returns the new offset. Raises ValueError for a move that is not forward. Call it only in a declared sandbox."""
    if by <= timedelta():
        raise ValueError("story time moves forward only")
    async with engine.begin() as connection:
        move = text("UPDATE story.clock SET ahead_by = ahead_by + :by RETURNING ahead_by")
        moved = await connection.scalar(move, {"by": by})
    return timedelta() + (moved or timedelta())
