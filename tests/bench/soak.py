"""Runs Safe Return under a steady stream of reports, and says every few minutes what it holds by then.

`python -m tests.bench.soak --minutes 60 --a-second 4`, on a quiet machine. The reports come from many authorities, each with staff
who answer what they are asked. Times to the desk, memory, open files and what waits must stay as they are; the record, the database
and the bus grow by as much each time. At the end every report is counted, and the record is verified.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from infra.local.stack import Stack
from tests.bench.cost import cpu_seconds, megabytes, processes, sum_over_family
from tests.bench.load import DeskLog, Spread, seconds, steadily
from tests.bench.reports import Reports
from tests.chaos.flowing import Heard, settled_tally
from tests.chaos.standing import SPEAKING, gap_elsewhere, record_holds, settled_standing
from tests.support.outside.world import PROFESSIONALS, Carer, World, settle_town

TOWNS = 24
WARM_REPORTS = 20
SETTLED_WITHIN_SECONDS = 900.0
LATE_SECONDS = 30.0
"""A report that no desk has by then is counted as late in the line of its time; whether it came at all is counted at the end."""
UNPUBLISHED = "SELECT " + " + ".join(f"(SELECT count(*) FROM {service}.outbox)" for service in SPEAKING)
DUE = """
    SELECT count(*) FROM delivery.deliveries
    WHERE state IN ('waiting', 'sending', 'unknown') AND next_attempt_at < now() - interval '5 seconds'
"""
SIZE = "SELECT pg_database_size(current_database()) / 1e6"
ROWS = """
    SELECT schemaname || '.' || relname, n_live_tup, pg_total_relation_size(relid) AS bytes FROM pg_stat_user_tables
    WHERE pg_total_relation_size(relid) > %(least)s ORDER BY bytes DESC
"""
LEAST_BYTES = 5_000_000


@dataclass(frozen=True)
class Moment:
    """`spread` is of the reports since the moment before. Megabytes; `cores`, also since then, are of services and engines."""

    minutes: float
    sent: int
    spread: Spread
    cores: float
    memory: dict[str, float]
    files: int
    unpublished: int
    due: int
    database: float
    kafka: float
    elsewhere: float
    logs: float

    def row(self) -> list[str]:
        services = sum(held for name, held in self.memory.items() if name not in ("kafka", "postgres", "sandbox"))
        figures = (services, self.memory["postgres"], self.memory["kafka"])
        sizes = (self.database, self.kafka, self.elsewhere, self.logs)
        spread = self.spread
        return [
            *(f"{self.minutes:.0f}", str(self.sent), f"{spread.p50:.0f}", f"{spread.p95:.0f}", f"{spread.p99:.0f}"),
            *(str(spread.missing), f"{self.cores:.2f}", *(f"{each:.0f}" for each in figures), str(self.files)),
            *(str(self.unpublished), str(self.due), *(f"{each:.0f}" for each in sizes)),
        ]


COLUMNS = (
    *("minute", "reports", "p50 ms", "p95 ms", "p99 ms", "late", "cores", "services MB", "PostgreSQL MB", "Kafka MB"),
    *("open files", "unpublished", "due", "database MB", "bus MB", "elsewhere MB", "logs MB"),
)


class Soak:
    """One stream of reports through one stack, and what is seen of it."""

    def __init__(
        self, stack: Stack, session: aiohttp.ClientSession, carers: Sequence[Carer], heard: Heard, screen: Console
    ) -> None:
        self._stack, self._carers, self._heard, self._screen = stack, carers, heard, screen
        self._reports = Reports(stack, session)
        self._desks = DeskLog(session, stack.endpoints["sandbox"])
        self._begun: dict[str, float] = {}
        self._arrived: dict[str, float] = {}
        self._cpu = self._spent()
        self._since = self._started = time.time()

    async def run(self, a_second: float, every_seconds: float) -> list[Moment]:
        """Sends them all, and looks each time, then once more."""
        flowing = asyncio.create_task(steadily(self._report, len(self._carers), a_second))
        looking = asyncio.create_task(self._look_at_desks())
        moments = []
        while not flowing.done():
            await asyncio.wait([flowing], timeout=every_seconds)
            moments.append(await asyncio.to_thread(self._moment))
            self._screen.print(" | ".join(moments[-1].row()))
        looking.cancel()
        for fault in await asyncio.gather(flowing, looking, return_exceptions=True):
            if isinstance(fault, Exception):
                self._screen.print(f"The first fault of a report, or of a look at the desks: {fault!r}")
        return moments

    async def _report(self, each: int) -> None:
        number = self._carers[each].number
        self._begun[number] = time.time()
        await self._reports.text_missing(number)

    async def _look_at_desks(self) -> None:
        while True:
            await self._desks.read()
            for notice in self._desks.notices:
                for number in World.carers_numbers(notice):
                    self._arrived.setdefault(number, seconds(notice["received_at"]))
            self._desks.notices.clear()
            await asyncio.sleep(2)

    def _moment(self) -> Moment:
        self._heard.listen()
        now, spent = time.time(), self._spent()
        begun = self._begun.copy()  # reports go on beside this thread
        ripe = {number: at for number, at in begun.items() if self._since <= at + LATE_SECONDS < now}
        took = [self._arrived[number] - at for number, at in ripe.items() if number in self._arrived]
        cores = (spent - self._cpu) / (now - self._since)
        self._cpu, self._since = spent, now
        of = processes(self._stack)
        layout = self._stack.layout
        with psycopg.connect(self._stack.admin_url, autocommit=True) as connection:
            unpublished, due, database = (_number(connection, query) for query in (UNPUBLISHED, DUE, SIZE))
        return Moment(
            (now - self._started) / 60,
            len(begun),
            Spread.of(took, len(ripe)),
            cores,
            {name: megabytes(process) for name, process in of.items()},
            # Each of PostgreSQL's connections keeps open what it has touched, up to a thousand files: that is no leak.
            int(sum(sum_over_family(each, psutil.Process.num_fds) for name, each in of.items() if name != "postgres")),
            int(unpublished),
            int(due),
            database,
            *(_size(folder) / 1e6 for folder in (layout.kafka("kafka"), layout.archive, layout.log("carers").parent)),
        )

    def _spent(self) -> float:
        return sum(cpu_seconds(process) for name, process in processes(self._stack).items() if name != "sandbox")


def settle(stack: Stack, world: World, carers: int) -> list[Carer]:
    """As many towns, whose staff answer. The carers are of each town in turn."""
    each = -(-carers // TOWNS)
    towns = [_settle_one(stack, world, town, each) for town in range(TOWNS)]
    return [carer for turn in zip(*towns, strict=True) for carer in turn][:carers]


def _settle_one(stack: Stack, world: World, town: int, carers: int) -> list[Carer]:
    name, staff = f"testshire-{town}", (f"+4477008{town:02}590", f"+4477008{town:02}591")
    settled = settle_town(stack, carers, town=name, first=town * carers, staff=staff)
    for number in staff:
        world.phone_answers(number, answers=True)
    for person in PROFESSIONALS.values():
        world.mailbox_answers(f"{person}@{name}.example", answers=True)
    return settled


def tables(moments: Sequence[Moment]) -> Iterator[Table]:
    """How all stood each time, and the memory of each process."""
    stood = Table(*COLUMNS)
    for moment in moments:
        stood.add_row(*moment.row())
    yield stood
    held = Table("process, MB at minute", *(f"{moment.minutes:.0f}" for moment in moments))
    for name in moments[0].memory:
        held.add_row(name, *(f"{moment.memory[name]:.0f}" for moment in moments))
    yield held


def verdicts(stack: Stack, heard: Heard, carers: Sequence[Carer]) -> Iterator[str]:
    """Once nothing is on its way any more."""
    began = time.monotonic()
    found = settled_tally(heard, carers, SETTLED_WITHIN_SECONDS)
    yield f"{found.reports} reports: {len(found.lost)} lost, {len(found.doubled)} doubled, {time.monotonic() - began:.0f} s after the last {[*found.lost, *found.doubled][:9]}"
    stood = settled_standing(stack, SETTLED_WITHIN_SECONDS)
    yield f"duties: {dict(stood.duties.most_common())}, {len(stood.faults)} faults {stood.faults[:9]}"
    yield f"the record verifies: {record_holds(stack)}"
    gap = gap_elsewhere(stack)
    yield f"the copy of the database elsewhere: {'no gap' if gap is None else f'a gap after {gap}'}"


def growth(stack: Stack, reports: int) -> Table:
    table = Table("table", "rows a report", "MB", title="What the reports left")
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        connection.execute("SELECT pg_stat_force_next_flush()")
        for name, rows, held in connection.execute(ROWS, {"least": LEAST_BYTES}):
            table.add_row(name, f"{rows / reports:.1f}", f"{held / 1e6:.0f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--a-second", type=float, default=4)
    parser.add_argument("--every-minutes", type=float, default=5)
    given = parser.parse_args()
    screen = Console(width=240)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), archive=True, say=screen.print)
        stack.start()
        try:
            world = World(stack)
            heard = Heard(world)
            carers = settle(stack, world, WARM_REPORTS + int(given.minutes * 60 * given.a_second))
            with psycopg.connect(stack.admin_url, autocommit=True) as connection:
                connection.execute("ANALYZE")  # as autovacuum does within a minute of so large an import
            moments = asyncio.run(_soak(stack, carers, heard, given.a_second, given.every_minutes * 60, screen))
            for table in (*tables(moments), growth(stack, len(carers))):
                screen.print(table)
            for verdict in verdicts(stack, heard, carers):
                screen.print(verdict)
            world.close()
        finally:
            stack.stop()
            stack.remove()


async def _soak(
    stack: Stack, carers: Sequence[Carer], heard: Heard, a_second: float, every_seconds: float, screen: Console
) -> list[Moment]:
    async with aiohttp.ClientSession() as session:
        await Soak(stack, session, carers[:WARM_REPORTS], heard, screen).run(1.0, WARM_REPORTS)
        return await Soak(stack, session, carers[WARM_REPORTS:], heard, screen).run(a_second, every_seconds)


def _number(connection: psycopg.Connection[tuple[float]], query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return float(row[0])


def _size(folder: Path) -> int:
    """In bytes. What is deleted meanwhile is not counted."""
    found = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found += file.stat().st_size if file.is_file() else 0
    return found


if __name__ == "__main__":
    main()
