"""Runs every comparison and prints it: `python -m tests.bench` takes about fifty minutes, thirty of which are quiet; `--quick` four.

A report through everything, beside three peers, steadily and in a burst; the same with the police rule alone; what deliveries cost;
what a report takes after ten minutes of quiet, as most come at night; then, without Kafka, the delivery alone beside bare ones (`tests.bench.sending`), and what a force that hangs does to another
(`tests.bench.lanes`).
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import yaml
from rich.console import Console
from rich.table import Table

from infra.local.stack import Stack
from services.protocol.loader import DEFAULT_RULES
from tests.bench import lanes, sending
from tests.bench.commits import count_commits
from tests.bench.cost import Cost, measured
from tests.bench.counts import count
from tests.bench.load import Spread
from tests.bench.reports import Peer, Reports
from tests.support.outside.world import TOWN, settle_town

CARERS = 1200
WARM, LONE = 20, 3
COUNTED, UNHEARD = 50, 100
"""Carers who text while counts are made, and those, the last, who text singly."""
POLICE_RULE = "tell-police-missing"
NEVER = {"all": [{"child.age-under": 1}]}
APPROVED = {"by": "the bench", "reasons": "To measure the police notice by itself."}
COLUMNS = ("reports", "pipeline", "p50 ms", "p95 ms", "p99 ms", "not arrived", "p50 / rows peer", "last sent after s")


class Comparison:
    """Runs one load through the peers and then through Safe Return, and writes each into the table."""

    def __init__(self, stack: Stack, reports: Reports, screen: Console, title: str) -> None:
        self._stack, self._reports, self._screen = stack, reports, screen
        self._bare, self._rows = Peer(stack, "bare", None), Peer(stack, "rows", stack.admin_url)
        self._hops = Peer(stack, "hops", stack.admin_url, hops=2)
        self.table = Table(*COLUMNS, title=title)

    async def warm(self) -> None:
        await asyncio.sleep(6)
        await self._reports.silence_the_peers_desk()
        async with measured(self._stack):
            await self._reports.texts(10, 5)
        for peer in (self._bare, self._rows, self._hops):
            await self._reports.peer(peer.port, 10, 10)

    async def load(self, count: int, a_second: float | None) -> Cost:
        title = f"burst of {count}" if a_second is None else f"{a_second:g}/s, {count}"
        rows = await self._reports.peer(self._rows.port, count, a_second)
        self._add(title, "peer: the same with inbox and rows", rows, rows)
        self._add(title, "peer: Kafka, httpx", await self._reports.peer(self._bare.port, count, a_second), rows)
        hops = await self._reports.peer(self._hops.port, count, a_second)
        self._add(title, "peer: inbox and rows, by as many hops as here", hops, rows)
        async with measured(self._stack) as cost:
            spread = await self._reports.texts(count, a_second)
        self._add(title, "Safe Return, by text", spread, rows, f"{cost.done_after:.1f}")
        return cost

    def stop(self) -> None:
        for peer in (self._bare, self._rows, self._hops):
            peer.stop()

    def _add(self, title: str, name: str, spread: Spread, beside: Spread, done: str = "") -> None:
        figures = (f"{spread.p50:.1f}", f"{spread.p95:.1f}", f"{spread.p99:.1f}", str(spread.missing))
        self.table.add_row(title, name, *figures, f"{spread.p50 / beside.p50:.1f}", done)
        self._screen.print(f"{title}: {name}: p50 {spread.p50:.1f} ms, p99 {spread.p99:.1f} ms")


async def compare(stack: Stack, screen: Console, title: str, loads: list[tuple[int, float | None]]) -> None:
    """Shows what the last load's deliveries cost as well."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        comparison = Comparison(stack, Reports(stack, session, COUNTED), screen, title)
        try:
            await comparison.warm()
            costs = [await comparison.load(count, a_second) for count, a_second in loads]
        finally:
            comparison.stop()
    screen.print(comparison.table)
    screen.print(costs[-1].table())


async def show_counts(stack: Stack, screen: Console) -> None:
    """A warm stack first: what is read once a process is no part of a report."""
    async with aiohttp.ClientSession() as session:
        reports = Reports(stack, session)
        await asyncio.sleep(6)
        async with measured(stack):
            await reports.texts(10, 5)
        counts = await count(stack, 10, lambda number: reports.texts(number, 1.0))
        screen.print(counts.table())
        for line in counts.lines():
            screen.print(line)
        screen.print(await count_commits(stack, 10, lambda number: reports.texts(number, 1.0)))


async def show_lone(stack: Stack, screen: Console, times: int, quiet_minutes: float) -> None:
    """One report at a time, each after a quiet spell in which nothing is asked of the stack, beside as many of a warm one."""
    async with aiohttp.ClientSession() as session:
        reports = Reports(stack, session, CARERS - UNHEARD)
        await asyncio.sleep(6)
        async with measured(stack):
            await reports.texts(10, 5)
        async with measured(stack):
            warm = await reports.texts(WARM, 1.0)
        lone = []
        for _ in range(times):
            await asyncio.sleep(quiet_minutes * 60)
            lone.append(await reports.texts(1, None))
    screen.print(f"warm, {WARM} at 1/s: p50 {warm.p50:.1f} ms, p99 {warm.p99:.1f} ms")
    for each in lone:
        screen.print(
            f"after {quiet_minutes:g} minutes of quiet: {each.p50:.1f} ms, {each.p50 / warm.p99:.2f} of the warm p99"
            if not each.missing
            else f"after {quiet_minutes:g} minutes of quiet: not arrived"
        )


@contextmanager
def running_town(screen: Console, *, police_alone: bool = False) -> Iterator[Stack]:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), say=screen.print)
        stack.layout.make()
        if police_alone:
            (stack.layout.protocols / f"{TOWN}.yaml").write_text(only_police())
        started = time.monotonic()
        stack.start()
        try:
            screen.print(f"everything ready after {time.monotonic() - started:.1f} s")
            settle_town(stack, CARERS)
            yield stack
        finally:
            stack.stop()
            stack.remove()


def only_police() -> str:
    """The town's own file: every rule but the one that tells the police, under a condition that no child of the town fulfils."""
    defaults = [rule for file in sorted(DEFAULT_RULES.glob("*.yaml")) for rule in _rules(file)]
    silent = [{**rule, "when": NEVER, "approved": APPROVED} for rule in defaults if rule["id"] != POLICE_RULE]
    return yaml.safe_dump({"protocol": "police-alone", "version": "bench", "authority": TOWN, "rules": silent})


def _rules(file: Path) -> list[dict[str, object]]:
    """As words alone: `on` is a word here, though YAML has it for a truth value."""
    rules: list[dict[str, object]] = yaml.load(file.read_text(), Loader=yaml.BaseLoader)["rules"]  # noqa: S506 BaseLoader makes strings
    return rules


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer reports, and without the lanes")
    parser.add_argument("--lone", type=int, metavar="TIMES", help="nothing but reports after a quiet spell")
    parser.add_argument("--quiet-minutes", type=float, default=10, help="how long each spell is")
    asked = parser.parse_args()
    quick = asked.quick
    screen = Console(width=150 if not os.isatty(1) else None)
    screen.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    if asked.lone:
        with running_town(screen) as stack:
            asyncio.run(show_lone(stack, screen, asked.lone, asked.quiet_minutes))
        return
    few: list[tuple[int, float | None]] = [(8, 1.0), (40, 5.0), (60, 10.0), (30, None)]
    many: list[tuple[int, float | None]] = [(20, 1.0), (100, 5.0), (150, 10.0), (500, None)]
    with running_town(screen) as stack:
        asyncio.run(show_counts(stack, screen))
        asyncio.run(compare(stack, screen, "All duties", few if quick else many))
        if not quick:
            asyncio.run(show_lone(stack, screen, LONE, asked.quiet_minutes))
    with running_town(screen, police_alone=True) as stack:
        alone: list[tuple[int, float | None]] = [(60, 10.0), (100 if quick else 500, 50.0)]
        asyncio.run(compare(stack, screen, "The police rule alone", alone))
    sending.measure(screen)
    if not quick:
        lanes.measure(screen)


if __name__ == "__main__":
    main()
