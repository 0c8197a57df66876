"""Counts what one report costs: messages on the bus and their bytes by kind, commits above the idle rate, processor time.

Counts do not depend on the machine; seconds of processor do, and are there to be compared with each other.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import psycopg
from kafka import KafkaConsumer, TopicPartition
from rich.table import Table

from infra.local.stack import Stack
from services.safeguarding.message import Topic
from tests.bench.cost import cpu_seconds, processes, when_quiet

IDLE_SECONDS = 20.0
COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'safe_return'"


@dataclass
class Counts:
    """Of `reports` reports. `commits` and `cpu` are above what an idle stack spends in the same time."""

    reports: int
    messages: Counter[str] = field(default_factory=Counter)
    bytes_of: Counter[str] = field(default_factory=Counter)
    commits: float = 0.0
    cpu: float = 0.0
    deliveries: int = 0
    idle_commits_a_second: float = 0.0
    idle_cores: float = 0.0

    def table(self) -> Table:
        table = Table("kind", "messages a report", "bytes a report", title="Counts: one report, all duties")
        for kind, count in self.messages.most_common():
            table.add_row(kind, f"{count / self.reports:.1f}", f"{self.bytes_of[kind] / self.reports:,.0f}")
        table.add_row(
            "all", f"{self.messages.total() / self.reports:.1f}", f"{self.bytes_of.total() / self.reports:,.0f}"
        )
        return table

    def lines(self) -> list[str]:
        return [
            f"deliveries a report: {self.deliveries / self.reports:.1f}",
            f"commits a report, above idle: {self.commits / self.reports:.0f}",
            f"processor a report, above idle: {self.cpu / self.reports:.2f} s",
            f"idle: {self.idle_commits_a_second:.1f} commits a second, {self.idle_cores:.2f} cores",
        ]


class Bus:
    """Reads what has come onto the bus since it was opened."""

    def __init__(self, stack: Stack) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=f"127.0.0.1:{stack.ports['kafka']}", enable_auto_commit=False)
        places = [TopicPartition(topic, each) for topic in Topic for each in range(12)]
        self._consumer.assign(places)
        self._begun = self._consumer.end_offsets(places)
        for place, offset in self._begun.items():
            self._consumer.seek(place, offset)

    def close(self) -> tuple[Counter[str], Counter[str]]:
        """Messages and bytes by kind. Practice and the clock's housekeeping are left out: they are nobody's report."""
        ends = self._consumer.end_offsets(list(self._begun))
        left = sum(ends[place] - offset for place, offset in self._begun.items())
        messages, bytes_of = Counter[str](), Counter[str]()
        while left > 0:
            for records in self._consumer.poll(timeout_ms=1000).values():
                left -= len(records)
                for record in records:
                    envelope = json.loads(record.value)
                    if envelope.get("exercise") is not True:
                        messages[envelope["type"]] += 1
                        bytes_of[envelope["type"]] += len(record.value)
        self._consumer.close()
        return messages, bytes_of


async def count(stack: Stack, reports: int, send: Callable[[int], Awaitable[object]]) -> Counts:
    """`send` sends that many reports. An idle stretch is measured first."""
    counts, of = Counts(reports), processes(stack)
    async with await psycopg.AsyncConnection.connect(stack.admin_url, autocommit=True) as connection:

        async def commits() -> int:
            row = await (await connection.execute(COMMITS)).fetchone()
            assert row is not None
            return int(row[0])

        def cpu() -> float:
            return sum(cpu_seconds(process) for process in of.values())

        before, cpu_before, begun = await commits(), cpu(), time.monotonic()
        await asyncio.sleep(IDLE_SECONDS)
        idle = time.monotonic() - begun
        counts.idle_commits_a_second = (await commits() - before) / idle
        counts.idle_cores = (cpu() - cpu_before) / idle
        bus = Bus(stack)
        before, cpu_before, begun = await commits(), cpu(), time.monotonic()
        _, deliveries_before = await when_quiet(connection, seconds=0)
        await send(reports)
        _, deliveries = await when_quiet(connection)
        took = time.monotonic() - begun
        counts.deliveries = deliveries - deliveries_before
        counts.commits = await commits() - before - counts.idle_commits_a_second * took
        counts.cpu = cpu() - cpu_before - counts.idle_cores * took
    counts.messages, counts.bytes_of = bus.close()
    return counts
