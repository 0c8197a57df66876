"""Reads how all stands, and shows it as metrics: what changes by the second often, what changes by the day seldom."""

import time
from datetime import datetime, timedelta

from prometheus_client import Gauge
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import metrics
from services.console.monitoring import queries as rows
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.unit_of_work import Store

EVERY_SECONDS = 5
SLOWLY_EVERY = timedelta(seconds=30)
MONTHLY_EVERY = timedelta(minutes=5)
"""What is counted over thirty days, and reads as much."""
AGES = ("under 1 h", "1 h to 24 h", "24 h to 72 h", "3 to 7 days", "7 to 28 days", "over 28 days")
VALUES = ("count", "oldest")
SINCE_RETURN = ("under 24 h", "24 to 48 h", "48 to 72 h", "over 72 h")


class Measuring:
    """A part."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._slowly_at = self._monthly_at = clocks.wall()
        self._reading = Repeating("standing", self.turn, every_seconds=EVERY_SECONDS)
        self.obstacle = self._reading.obstacle

    async def start(self) -> None:
        await self._reading.start()

    async def stop(self) -> None:
        await self._reading.stop()

    async def turn(self) -> bool:
        """What was read before stays shown while the database is away; `standing_measured_timestamp_seconds` tells its age."""
        now, story = self._clocks.wall(), self._clocks.story()
        async with self._store.reading.connect() as connection:
            await _often(connection, story)
            if now >= self._slowly_at:
                await _seldom(connection, story)
                self._slowly_at = now + SLOWLY_EVERY
            if now >= self._monthly_at:
                await _of_the_month(connection, story)
                self._monthly_at = now + MONTHLY_EVERY
        metrics.MEASURED.set(now.timestamp())
        return False


async def _often(connection: AsyncConnection, story: datetime) -> None:
    started = time.perf_counter()
    deadlines = (await rows.asked(connection, rows.DEADLINES, story))[0]
    metrics.DATABASE_SECONDS.set(time.perf_counter() - started)
    metrics.DEADLINES.set(deadlines["count"])
    metrics.DEADLINE_LATE.set(deadlines["late"])
    metrics.DEAD_LETTERS.set((await rows.asked(connection, rows.DEAD_LETTERS, story))[0]["count"])
    _show_episodes(await rows.asked(connection, rows.EPISODES, story))
    _show_unacknowledged(await rows.asked(connection, rows.UNACKNOWLEDGED, story))
    _show(metrics.DUTIES, await rows.asked(connection, rows.DUTIES, story))
    _show_returns(await rows.asked(connection, rows.RETURNS, story))


async def _seldom(connection: AsyncConnection, story: datetime) -> None:
    _show(metrics.INBOX, await rows.asked(connection, rows.INBOXES, story))
    database = (await rows.asked(connection, rows.DATABASE, story))[0]
    metrics.DATABASE_BYTES.set(database["size"])
    metrics.DATABASE_CONNECTIONS.set(database["connections"])
    metrics.DATABASE_CONNECTIONS_MOST.set(database["most"])


async def _of_the_month(connection: AsyncConnection, story: datetime) -> None:
    _show(metrics.DUTIES_KEPT, await rows.asked(connection, rows.KEPT, story))
    metrics.DUTY_ANSWER.clear()
    for row in await rows.asked(connection, rows.ANSWERS, story):
        metrics.DUTY_ANSWER.labels(row["authority"], "0.5").set(row["median"])
        metrics.DUTY_ANSWER.labels(row["authority"], "0.95").set(row["most"])


def _show(gauge: Gauge, found: list[RowMapping], value: str = "count") -> None:
    """A row's other columns are the gauge's labels. What is no longer there is no longer shown."""
    gauge.clear()
    for row in found:
        labels = {name: _label(name, row[name]) for name in row if name not in VALUES}
        gauge.labels(**labels).set(row[value])


def _label(name: str, value: object) -> str:
    if name == "exercise":
        return "yes" if value else "no"
    return str(value)


def _show_episodes(found: list[RowMapping]) -> None:
    metrics.EPISODES.clear()
    for row in found:
        metrics.EPISODES.labels(
            row["authority"], row["state"], AGES[row["age"]], row["cohort"], _label("exercise", row["exercise"])
        ).set(row["count"])


def _show_unacknowledged(found: list[RowMapping]) -> None:
    _show(metrics.UNACKNOWLEDGED, found)
    _show(metrics.UNACKNOWLEDGED_OLDEST, found, "oldest")


def _show_returns(found: list[RowMapping]) -> None:
    metrics.RETURN_CLOCKS.clear()
    oldest: dict[tuple[str, str], float] = {}
    for row in found:
        metrics.RETURN_CLOCKS.labels(row["authority"], row["condition"], SINCE_RETURN[row["since"]]).set(row["count"])
        clock = row["authority"], row["condition"]
        oldest[clock] = max(oldest.get(clock, 0), row["oldest"])
    metrics.RETURN_CLOCK_OLDEST.clear()
    for (authority, condition), seconds in oldest.items():
        metrics.RETURN_CLOCK_OLDEST.labels(authority, condition).set(seconds)
