"""Declares the console's metrics, and shows counts of the database as such (`gauges.yaml`): the urgent ones every
quarter of a minute, others seldom.

No label holds the id of a child, a person or a message. Of the database's counts each replica shows the same values,
so panels take their maximum and never their sum.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from prometheus_client import Counter, Gauge, Histogram

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import OVER

BEHIND = Histogram(
    "console_behind_seconds",
    "From the moment a decision was made to the moment the pages can show it",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30),
)
LIVE_PAGES = Gauge("console_live_pages", "Pages that are open in a browser and follow changes")
SIGN_INS = Counter("console_sign_ins", "Attempts to sign in, by what came of them", ["result"])
ACTS = Counter("console_acts", "Operators' acts, by act and what came of them", ["act", "result"])

MEASURED = Gauge(
    "standing_measured_timestamp_seconds",
    "When open work was last read from the database, by how urgent it is; before the first time, when this process began",
    ["group"],
)
DATABASE_SECONDS = Gauge("database_answer_seconds", "How long the database took to answer the simplest question")

PACK_WRITTEN = Gauge(
    "fallback_pack_written_timestamp_seconds",
    "When an authority's pack was last put in a place, or since when this process has tried",
    ["authority", "place"],
)

for result in ("signed-in", "refused", "held-back", "crowded"):
    SIGN_INS.labels(result)


EVERY_SECONDS = 15
SLOW_EVERY = timedelta(seconds=30)
EVERY = {"simplest": timedelta(0), "urgent": timedelta(0), "slow": SLOW_EVERY, "month": timedelta(minutes=5)}


class GaugeColumn(NamedTuple):
    """A gauge, the column that it shows, and those that are its labels."""

    gauge: Gauge
    shows: str
    by: Sequence[str]

    def show(self, rows: Rows) -> None:
        """A series without a row is no longer shown."""
        if self.by:
            self.gauge.clear()
        for row in sorted(rows, key=attrgetter(self.shows)):
            series = self.gauge.labels(*(getattr(row, each) for each in self.by)) if self.by else self.gauge
            series.set(getattr(row, self.shows))


def _read(*, sql: str, gauges: Mapping[str, Mapping[str, Any]]) -> tuple[str, list[GaugeColumn]]:
    shown = [(Gauge(name, each["help"], each["by"]), each["shows"], each["by"]) for name, each in gauges.items()]
    return sql, [GaugeColumn(*each) for each in shown]


WRITTEN = yaml.load(Path(__file__).with_name("gauges.yaml").read_text(), yaml.CSafeLoader)
if WRITTEN.keys() != EVERY.keys():
    raise ValueError(f"gauges.yaml has the groups {', '.join(WRITTEN)}, and not {', '.join(EVERY)}")
MEASURES = {group: [_read(**each) for each in written] for group, written in WRITTEN.items()}


class GaugeUpdater:
    """A part of the service host."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self._due_at = dict.fromkeys(MEASURES, clocks.wall())
        for group in MEASURES:  # else an alert would not see what fails from the start
            MEASURED.labels(group).set(clocks.wall().timestamp())
        self._repeating = Repeating("standing", self.turn, every_seconds=EVERY_SECONDS)
        self.start, self.stop, self.obstacle = self._repeating.start, self._repeating.stop, self._repeating.obstacle

    async def turn(self) -> None:
        """Keeps the last values while the database is away; `standing_measured_timestamp_seconds` shows their age. What
        has found nothing yet is asked again soon: the system has just begun. What fails waits for its next time, so
        that what comes after it is measured at the next turn.
        """
        now = self._clocks.wall()
        asked = {"now": self._clocks.story(), "over": [str(each) for each in OVER]}
        async with self._store.read() as reader:
            for group in (each for each in MEASURES if now >= self._due_at[each]):
                self._due_at[group] = now + EVERY[group]
                started = time.perf_counter()
                found = await reader.fetch_each([Query(sql, asked, all_rows) for sql, _ in MEASURES[group]])
                if group == "simplest":
                    DATABASE_SECONDS.set(time.perf_counter() - started)
                for rows, (_, gauges) in zip(found, MEASURES[group], strict=True):
                    for each in gauges:
                        each.show(rows)
                if not all(found):
                    self._due_at[group] = now + min(EVERY[group], SLOW_EVERY)
                MEASURED.labels(group).set(now.timestamp())
