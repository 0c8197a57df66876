"""Shows the counts of the read model as metrics: the urgent ones every quarter of a minute, the slow ones seldom."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Gauge

from services.console import metrics
from services.console.monitoring import queries
from services.console.monitoring.queries import Counts, counts
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Store

EVERY_SECONDS = 15
SLOW_EVERY = timedelta(seconds=30)
MONTH_EVERY = timedelta(minutes=5)
"""For counts over thirty days, which read that many rows."""
AGES = ("under 1 h", "1 h to 24 h", "24 h to 72 h", "3 to 7 days", "7 to 28 days", "over 28 days")
VALUES = ("count", "oldest")
SINCE_RETURN = ("under 24 h", "24 to 48 h", "48 to 72 h", "over 72 h")


class GaugeUpdater:
    """A part of the service host."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._slow_at = self._month_at = clocks.wall()
        self._repeating = Repeating("standing", self.turn, every_seconds=EVERY_SECONDS)
        self.start, self.stop, self.obstacle = self._repeating.start, self._repeating.stop, self._repeating.obstacle

    async def turn(self) -> bool:
        """Keeps the last values while the database is away; `standing_measured_timestamp_seconds` shows their age."""
        now, story = self._clocks.wall(), self._clocks.story()
        async with self._store.read() as reader:
            await _update_urgent(reader, story)
            if now >= self._slow_at:
                await _update_slow(reader, story)
                self._slow_at = now + SLOW_EVERY
            if now >= self._month_at:
                has_answers = await _update_month(reader, story)
                self._month_at = now + (MONTH_EVERY if has_answers else SLOW_EVERY)
        metrics.MEASURED.set(now.timestamp())
        return False


async def _update_urgent(reader: Reader, story: datetime) -> None:
    started = time.perf_counter()
    [deadlines] = await reader.fetch(counts(queries.DEADLINES, story))
    metrics.DATABASE_SECONDS.set(time.perf_counter() - started)
    metrics.DEADLINES.set(deadlines["count"])
    metrics.DEADLINE_LATE.set(deadlines["late"])
    [letters], episodes, unacknowledged, duties, returns = await reader.fetch(
        counts(queries.DEAD_LETTERS, story),
        counts(queries.EPISODES, story),
        counts(queries.UNACKNOWLEDGED, story),
        counts(queries.DUTIES, story),
        counts(queries.RETURNS, story),
    )
    metrics.DEAD_LETTERS.set(letters["count"])
    _show(metrics.EPISODES, [row | {"age": AGES[row["age"]]} for row in episodes])
    _show(metrics.UNACKNOWLEDGED, unacknowledged)
    _show(metrics.UNACKNOWLEDGED_OLDEST, unacknowledged, "oldest")
    _show(metrics.DUTIES, duties)
    _show(metrics.RETURN_CLOCKS, [row | {"since": SINCE_RETURN[row["since"]]} for row in returns])
    _show_oldest_returns(returns)


async def _update_slow(reader: Reader, story: datetime) -> None:
    inboxes, [database] = await reader.fetch(counts(queries.INBOXES, story), counts(queries.DATABASE, story))
    _show(metrics.INBOX, inboxes)
    metrics.DATABASE_BYTES.set(database["size"])
    metrics.DATABASE_CONNECTIONS.set(database["connections"])
    metrics.DATABASE_CONNECTIONS_MOST.set(database["most"])


async def _update_month(reader: Reader, story: datetime) -> bool:
    """False if nobody has answered yet: a system that has just begun looks again soon."""
    duties, answers = await reader.fetch(
        counts(queries.DUTIES_OF_MONTH, story), counts(queries.ANSWERS_OF_MONTH, story)
    )
    _show(metrics.DUTIES_KEPT, duties)
    metrics.DUTY_ANSWER.clear()
    for row in answers:
        metrics.DUTY_ANSWER.labels(row["authority"], "0.5").set(row["median"])
        metrics.DUTY_ANSWER.labels(row["authority"], "0.95").set(row["most"])
    return bool(answers)


def _show(gauge: Gauge, rows: Counts, value: str = "count") -> None:
    """A row's other columns are the gauge's labels. A series without a row is no longer shown."""
    gauge.clear()
    for row in rows:
        gauge.labels(**_labels(row)).set(row[value])


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    labels = {name: str(value) for name, value in row.items() if name not in VALUES}
    return labels | ({"exercise": "yes" if row["exercise"] else "no"} if "exercise" in row else {})


def _show_oldest_returns(rows: Counts) -> None:
    oldest: dict[tuple[str, str], float] = {}
    for row in rows:
        clock = row["authority"], row["condition"]
        oldest[clock] = max(oldest.get(clock, 0), row["oldest"])
    metrics.RETURN_CLOCK_OLDEST.clear()
    for (authority, condition), seconds in oldest.items():
        metrics.RETURN_CLOCK_OLDEST.labels(authority, condition).set(seconds)
