"""Notices a second to a local desk, and what each costs: `python -m tests.bench.sending [--profile]`. A minute; needs no Kafka.

Beside the whole delivery (duty, rows, register, keys, signature, log, outcomes) stand the bare ones: signing and posting, and the
same with the three commits that a crash asks for. The desk is a process of its own and is not counted; PostgreSQL's CPU is not either.
"""

import argparse
import asyncio
import cProfile
import multiprocessing
import pstats
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import httpx
from aiohttp import web
from psycopg_pool import AsyncConnectionPool
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from standardwebhooks import Webhook

from services.platform.delivery.channels.webhook import CheckedResolver, WebhookClients
from services.platform.store.encryption import Keyring
from tests.bench.load import logged_in
from tests.support.engines.database import Database, running_database
from tests.support.engines.ports import free_port
from tests.support.in_process.delivery import received
from tests.support.in_process.police import running
from tests.support.in_process.register import SECRET, authority, load
from tests.support.tables import deliveries

NOTICES, AT_ONCE, FORCES, RUNS = 300, 32, 8, 3
Sends = Callable[[int], Awaitable[None]]


def desk(port: int) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/notices", take)
    web.run_app(application, host="127.0.0.1", port=port, print=None)


@contextmanager
def running_desk() -> Iterator[str]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=desk, args=(port,), daemon=True)
    process.start()
    url, until = f"http://127.0.0.1:{port}/notices", time.monotonic() + 20
    while time.monotonic() < until:
        try:
            httpx.post(url, content=b"")
            break
        except httpx.TransportError:
            time.sleep(0.1)
    try:
        yield url
    finally:
        process.terminate()
        process.join()


async def bare(client: httpx.AsyncClient, url: str, pool: AsyncConnectionPool[Any] | None) -> Sends:
    webhook, body = Webhook(SECRET), '{"type":"missing-notice.new"}' + " " * 2000

    async def one() -> None:
        notice, now = str(uuid4()), datetime.now(UTC)
        signature = webhook.sign(notice, now, body)
        stamp = str(int(now.timestamp()))
        headers = {"webhook-id": notice, "webhook-timestamp": stamp, "webhook-signature": signature}
        if pool is not None:
            await _write(pool, "INSERT INTO bench VALUES (%s, %s, 'waiting')", notice, body)
            await _write(pool, "UPDATE bench SET state = 'sending' WHERE id = %s", notice)
        (await client.post(url, content=body.encode(), headers=headers)).raise_for_status()
        if pool is not None:
            await _write(pool, "UPDATE bench SET state = 'sent' WHERE id = %s", notice)

    async def sends(count: int) -> None:
        places = asyncio.Semaphore(AT_ONCE)

        async def placed() -> None:
            async with places:
                await one()

        await asyncio.gather(*(placed() for _ in range(count)))

    return sends


async def _write(pool: AsyncConnectionPool[Any], statement: Any, *values: str) -> None:
    async with pool.connection() as connection:
        await connection.execute(statement, values)


async def timed(sends: Sends) -> tuple[float, float]:
    """Notices a second, and CPU milliseconds of this process for each; the median of the runs."""
    rates, costs = [], []
    await sends(NOTICES // 4)
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        await sends(NOTICES)
        rates.append(NOTICES / (time.perf_counter() - wall))
        costs.append((time.process_time() - cpu) * 1000 / NOTICES)
    return median(rates), median(costs)


@contextmanager
def profiled(*, wanted: bool) -> Iterator[None]:
    profile = cProfile.Profile()
    if wanted:
        profile.enable()
    yield
    if wanted:
        profile.disable()
        pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(30)


async def whole(database: Database, url: str, *, profile: bool) -> tuple[float, float]:
    keyring = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
    document = authority()
    name = document["authority"]["id"]
    document["forces"] = [document["forces"][0] | {"id": f"{name}-{each}", "notice_url": url} for each in range(FORCES)]
    for placement in document["placements"]:
        placement["force"] = f"{name}-0"
    casework, engine = database.engine("casework"), database.engine("police")
    ids = await load(casework, keyring, document, datetime.now(UTC))
    async with running(engine, keyring, sandbox=True) as (floor, handlers, _):

        async def sends(count: int) -> None:
            begun = await _accepted(floor)
            for each in range(count):
                told = received(child=ids["C1"], force=f"{name}-{each % FORCES}", authority=name)
                async with floor.store.transaction() as uow:
                    await handlers.on_police_notify(told, uow)
            while await _accepted(floor) < begun + count:  # noqa: ASYNC110 the table is what is asked
                await asyncio.sleep(0.02)

        with profiled(wanted=profile):
            figures = await timed(sends)
    await casework.dispose()
    await engine.dispose()
    return figures


async def _accepted(floor: Any) -> int:
    async with floor.store.engine.connect() as connection:
        counted = select(func.count()).select_from(deliveries).where(deliveries.c.state == "accepted")
        return int(await connection.scalar(counted))


async def compared(database: Database, url: str, *, profile: bool) -> Table:
    table = Table("delivery", "notices/s", "CPU ms each", "beside the bare one")
    clients = WebhookClients(CheckedResolver(sandbox=True), total_seconds=10)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(database.admin_url, min_size=4, max_size=8, open=False)
    await pool.open(wait=True)
    await _write(pool, "CREATE TABLE bench (id text PRIMARY KEY, body text, state text)")
    alone = await timed(await bare(clients.of(url), url, None))
    _add(table, "bare: sign and post", alone, alone)
    _add(table, "bare, with rows (three commits)", await timed(await bare(clients.of(url), url, pool)), alone)
    _add(table, "Safe Return, from the duty on", await whole(database, url, profile=profile), alone)
    await clients.close()
    await pool.close()
    return table


def _add(table: Table, title: str, figures: tuple[float, float], beside: tuple[float, float]) -> None:
    rate, cost = figures
    table.add_row(
        title, f"{rate:.0f}", f"{cost:.2f}", f"{rate / beside[0]:.2f} of its rate, {cost / beside[1]:.1f} times its CPU"
    )


def measure(screen: Console, *, profile: bool = False) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        logged_in(Path(folder)),
        running_database(Path(folder)) as database,
        running_desk() as url,
    ):
        table = asyncio.run(compared(database, url, profile=profile))
    screen.print(table)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profile", action="store_true", help="say where the CPU goes")
    measure(Console(), profile=options.parse_args().profile)


if __name__ == "__main__":
    main()
