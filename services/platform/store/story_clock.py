"""Keeps story time's offset, one row that only grows, and every process and command by the database's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import cache

from prometheus_client import Gauge
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.messages.signature import NamedKey, Signer, read_signing_key
from services.platform.runtime.clocks import Clocks, apart
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import Settings, SigningKeys
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Origin, Store

FOLLOW_EVERY_SECONDS = 60.0
"""Without a notification."""
AWAITED_SECONDS = 3.0
MOVED = "story_clock"
"""The channel on which a trigger of the table tells of each change, and any process that the clock itself was set."""
SKEW = Gauge("database_clock_skew_seconds", "How far this machine's clock and the database's are apart, at the least")


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


async def set_by(connection: AsyncConnection, clocks: Clocks) -> bool:
    """Sets both times by the database. Returns as `Clocks.follow` does."""
    asked_at = time.monotonic()
    theirs = await connection.scalar(text("SELECT clock_timestamp()"))
    SKEW.set(abs(apart(theirs, clocks.own(), asked_at)).total_seconds())
    was_set = clocks.follow(theirs, asked_at)
    clocks.move_to(await ahead_by(connection))
    return was_set


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


@asynccontextmanager
async def opened(
    settings: Settings, service: str, clocks: Clocks | None = None, *, signing_key: SecretStr | None = None
) -> AsyncIterator[Store]:
    """For a command: the store as the service has it, closed at the end of the block. The database sets `clocks`: by a
    machine's wrong one, a code would be too old or good for ever. The store publishes with the key that is given or
    set; without one, pydantic's ValidationError is raised then.
    """
    clocks = clocks or Clocks()

    def own() -> NamedKey:
        return read_signing_key(service, (signing_key or SigningKeys().signing_key).get_secret_value())

    engine = connect(settings, service, for_command=True)
    store = Store(engine, origin=Origin(service, clocks, Signer(cache(own))))
    try:
        async with store.reading.connect() as connection:
            await set_by(connection, clocks)
        yield store
    finally:
        await store.close()
