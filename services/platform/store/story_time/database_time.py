"""Asks the database what time it is, and how far story time is ahead of it."""

import time
from datetime import timedelta

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.runtime.clocks import Clocks, apart

SKEW = Gauge("database_clock_skew_seconds", "How far this machine's clock and the database's are apart, at the least")


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
