"""Runs every comparison and prints it: `python -m tests.bench` takes about eight minutes; `--quick` half of that.

A report through everything, beside two peers; then, without Kafka, the delivery alone beside bare ones (`tests.bench.sending`), and what a
force that hangs does to another (`tests.bench.lanes`).
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import psutil
from kafka.admin import KafkaAdminClient, NewTopic
from rich.console import Console
from rich.table import Table
from twilio.request_validator import RequestValidator

from infra.local.environment import SAFE_RETURN_NUMBER, account_sid, bare
from infra.local.layout import ROOT
from infra.local.secret_files import SecretFiles, token, webhook_secret
from infra.local.stack import Stack
from tests.bench import lanes, sending
from tests.bench.load import DeskLog, Spread, seconds, steadily
from tests.support.bus import free_port
from tests.support.world import TOWN_NUMBERS, World, settle_town

TOWN = 400
FORCE = "northmoor-police"
PATIENCE_SECONDS = 90


class Bench:
    """One stack, its town, and the peers beside it, all on this machine at once; only one is loaded at a time."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self._stack, self._session = stack, session
        self._secrets = SecretFiles(stack.layout.secrets)
        self._desks = DeskLog(session, stack.endpoints["sandbox"])
        self._validator = RequestValidator(self._secrets.value("twilio_auth_token", token))
        self._next_carer = 0

    async def texts(self, count: int, a_second: float | None) -> Spread:
        """Carers text MISSING; the notice names the placement's telephone. Every duty is carried out meanwhile."""
        numbers = [f"+447700900{TOWN_NUMBERS + self._next_carer + each}" for each in range(count)]
        self._next_carer += count
        begun = await steadily(lambda each: self._text(numbers[each]), count, a_second)
        arrived = await self._arrivals(set(numbers), World.carers_numbers)
        return Spread.of([arrived[numbers[each]] - at for each, at in begun.items() if numbers[each] in arrived], count)

    async def peer(self, port: int, count: int, a_second: float | None) -> Spread:
        reports = [str(uuid4()) for _ in range(count)]

        async def send(each: int) -> None:
            async with self._session.post(f"http://127.0.0.1:{port}/reports", json={"report": reports[each]}) as answer:
                assert answer.status == 202, answer.status

        begun = await steadily(send, count, a_second)
        arrived = await self._arrivals(set(reports), lambda notice: [str(notice["id"])])
        return Spread.of([arrived[reports[each]] - at for each, at in begun.items() if reports[each] in arrived], count)

    async def _text(self, number: str) -> None:
        form = {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": account_sid(self._secrets),
            "From": number,
            "To": SAFE_RETURN_NUMBER,
            "Body": "MISSING",
            "NumMedia": "0",
        }
        url = f"{self._stack.endpoints['carers']}/texts/inbound"
        headers = {"x-twilio-signature": self._validator.compute_signature(url, form)}
        async with self._session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def _arrivals(self, wanted: set[str], names: Callable[[dict[str, object]], list[str]]) -> dict[str, float]:
        arrived: dict[str, float] = {}
        read = 0
        until = time.monotonic() + PATIENCE_SECONDS
        while not wanted <= set(arrived) and time.monotonic() < until:
            await asyncio.sleep(0.3)
            await self._desks.read()
            for notice in self._desks.notices[read:]:
                for name in names(notice):
                    arrived.setdefault(name, seconds(notice["received_at"]))
            read = len(self._desks.notices)
        return arrived


class Peer:
    """A peer's process and its topic."""

    def __init__(self, stack: Stack, name: str, database: str | None) -> None:
        self.port = free_port()
        self.name = name
        kafka = f"127.0.0.1:{stack.ports['kafka']}"
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        admin.create_topics([NewTopic(f"peer-{name}", 12, 1)])
        admin.close()
        settings = {
            "PEER_KAFKA": kafka,
            "PEER_PORT": str(self.port),
            "PEER_TOPIC": f"peer-{name}",
            "PEER_DESK": f"{stack.endpoints['sandbox']}/desks/{FORCE}/notices",
            "PEER_SECRET": SecretFiles(stack.layout.secrets).value(FORCE, webhook_secret),
        } | ({} if database is None else {"PEER_DATABASE": database})
        self.process = subprocess.Popen([sys.executable, "-m", "tests.bench.peer"], cwd=ROOT, env=bare() | settings)


def processes(stack: Stack) -> dict[str, psutil.Process]:
    pids = {name: stack.pid(name) for name in (*stack.services, "kafka", "postgres")}
    return {name: psutil.Process(pid) for name, pid in pids.items() if pid is not None}


def cpu_seconds(several: list[psutil.Process]) -> float:
    family = [each for process in several for each in (process, *process.children(recursive=True))]
    return sum(each.cpu_times().user + each.cpu_times().system for each in family)


def megabytes(process: psutil.Process) -> float:
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 1e6


async def compare(stack: Stack, screen: Console, *, quick: bool) -> None:
    admin_url = stack.admin_url
    bare_peer, careful_peer = Peer(stack, "bare", None), Peer(stack, "rows", admin_url)
    try:
        await asyncio.sleep(6)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            bench = Bench(stack, session)
            await _warm(bench, bare_peer, careful_peer)
            rates = [(1.0, 8), (5.0, 40), (10.0, 60)] if quick else [(1.0, 20), (5.0, 100), (10.0, 150)]
            table = Table("reports", "pipeline", "p50 ms", "p95 ms", "p99 ms", "not arrived", "p50 / rows peer")
            for a_second, count in rates:
                await _row(table, f"{a_second:g}/s", count, bench, bare_peer, careful_peer, a_second)
            await _burst(table, 100 if not quick else 30, bench, bare_peer, careful_peer)
            screen.print(table)
            await _cost(stack, bench, screen, 20)
    finally:
        for peer in (bare_peer, careful_peer):
            peer.process.terminate()
            peer.process.wait(20)


async def _warm(bench: Bench, bare_peer: Peer, careful_peer: Peer) -> None:
    await bench.texts(10, 5)
    await bench.peer(bare_peer.port, 10, 10)
    await bench.peer(careful_peer.port, 10, 10)


async def _row(
    table: Table, title: str, count: int, bench: Bench, bare_peer: Peer, careful_peer: Peer, a_second: float | None
) -> None:
    rows = await bench.peer(careful_peer.port, count, a_second)
    runs: list[tuple[str, Awaitable[Spread]]] = [
        ("peer: Kafka, httpx", bench.peer(bare_peer.port, count, a_second)),
        ("Safe Return, by text, all duties", bench.texts(count, a_second)),
    ]
    _add(table, title, "peer: the same with inbox and rows", rows, rows)
    for name, run in runs:
        _add(table, title, name, await run, rows)


async def _burst(table: Table, count: int, bench: Bench, bare_peer: Peer, careful_peer: Peer) -> None:
    await _row(table, f"burst of {count}", count, bench, bare_peer, careful_peer, None)


def _add(table: Table, title: str, name: str, spread: Spread, beside: Spread) -> None:
    figures = (f"{spread.p50:.1f}", f"{spread.p95:.1f}", f"{spread.p99:.1f}", str(spread.missing))
    table.add_row(title, name, *figures, f"{spread.p50 / beside.p50:.1f}")


async def _cost(stack: Stack, bench: Bench, screen: Console, count: int) -> None:
    of = processes(stack)
    before = {name: cpu_seconds([process]) for name, process in of.items()}
    await bench.texts(count, 5)
    await asyncio.sleep(3)
    table = Table("process", "CPU s per 1,000 reports", "memory MB")
    for name, process in of.items():
        table.add_row(
            name, f"{(cpu_seconds([process]) - before[name]) * 1000 / count:.1f}", f"{megabytes(process):.0f}"
        )
    screen.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer reports, and without the lanes")
    quick = parser.parse_args().quick
    screen = Console(width=130 if not os.isatty(1) else None)
    screen.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), say=screen.print)
        started = time.monotonic()
        stack.start()
        try:
            screen.print(f"everything ready after {time.monotonic() - started:.1f} s")
            settle_town(stack, TOWN)
            asyncio.run(compare(stack, screen, quick=quick))
        finally:
            stack.stop()
            stack.remove()
    sending.measure(screen)
    if not quick:
        lanes.measure(screen)


if __name__ == "__main__":
    main()
