"""Texts a second taken in by one carers process, and how long each waits for its answer: `python -m tests.bench.inbound [--profile]`.

A minute; needs no Kafka. Twilio posts, signed, at a steady rate, while the process reads what it has taken; the phones are of another
process. The goal is 250 ms at p99 with 200 a second. PostgreSQL's CPU is told apart.
"""

import argparse
import asyncio
import multiprocessing
import os
import pstats
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import psutil
from rich.console import Console
from rich.table import Table

from services.platform.store.encryption import Keyring
from tests.bench.cost import cpu_seconds
from tests.bench.load import Spread
from tests.support.crashes.texting import MASTER_KEY, PHONE_KEY, CarersProcess, Phones
from tests.support.engines.database import MortalDatabase, mortal_database
from tests.support.in_process.register import authority, load

RATES = (50, 200, 300)
SECONDS = 15
OF_ONE_PHONE = 10
CONNECTIONS = 64


async def texts(url: str, count: int, a_second: int, first: int) -> tuple[list[float], int]:
    """How long each was waited for, in seconds, from the moment at which it was due: a queue on this side counts. And how many were refused."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        phones = Phones.on(session, url)
        ready = [
            phones.form(f"+4477{(first + each) // OF_ONE_PHONE:08d}", "MISSING c17 please ring me")
            for each in range(count)
        ]
        signed = [(form, phones.signed(form)) for form in ready]
        took: list[float] = []
        started = time.monotonic() + 0.2

        async def one(each: int) -> None:
            due = started + each / a_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if await phones.post(*signed[each]):
                took.append(time.monotonic() - due)

        await asyncio.gather(*(one(each) for each in range(count)))
    return took, count - len(took)


def phones_of_their_own(url: str, count: int, a_second: int, first: int) -> Spread:
    """In a process of its own: what it costs to be Twilio is not counted."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        took, _ = pool.apply(_run, (url, count, a_second, first))
    return Spread.of(took, count)


def _run(url: str, count: int, a_second: int, first: int) -> tuple[list[float], int]:
    return asyncio.run(texts(url, count, a_second, first))


@contextmanager
def running_carers(postgres: MortalDatabase, folder: Path, *, profile: Path | None) -> Iterator[CarersProcess]:
    carers = CarersProcess(postgres.database, folder, profile=profile)
    carers.start()
    carers.wait_until_it_runs()
    try:
        yield carers
    finally:
        carers.end(signal.SIGTERM)


def measure(screen: Console, rates: tuple[int, ...] = RATES, *, profile: Path | None = None) -> None:
    table = Table(
        "texts a second",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "not taken",
        "carers: CPU ms a text",
        "PostgreSQL: CPU ms a text",
    )
    with tempfile.TemporaryDirectory() as name, mortal_database(Path(name) / "postgres") as postgres:
        asyncio.run(_settle(postgres))
        with running_carers(postgres, Path(name), profile=profile) as carers:
            assert carers.process is not None
            of = [psutil.Process(carers.process.pid), postgres.process]
            phones_of_their_own(carers.url, 200, 50, 0)
            first = 1000
            for a_second in rates:
                count = a_second * SECONDS
                before = [cpu_seconds(each) for each in of]
                spread = phones_of_their_own(carers.url, count, a_second, first)
                cost = [(cpu_seconds(each) - was) * 1000 / count for each, was in zip(of, before, strict=True)]
                first += count
                table.add_row(
                    str(a_second),
                    f"{spread.p50:.1f}",
                    f"{spread.p95:.1f}",
                    f"{spread.p99:.1f}",
                    str(spread.missing),
                    *(f"{each:.2f}" for each in cost),
                )
    screen.print(table)


async def _settle(postgres: MortalDatabase) -> None:
    engine = postgres.database.engine("casework")
    await load(engine, Keyring(MASTER_KEY, PHONE_KEY), authority("kestrel"), datetime.now(UTC))
    await engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--profile", action="store_true", help="where the carers process spends its time at 200 a second"
    )
    asked = parser.parse_args()
    screen = Console(width=130 if not os.isatty(1) else None)
    screen.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    if not asked.profile:
        measure(screen)
        return
    with tempfile.TemporaryDirectory() as name:
        profile = Path(name) / "carers.profile"
        measure(screen, (200,), profile=profile)
        pstats.Stats(str(profile)).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
