"""Notices while their senders are killed and their desk goes away: each is taken, under one id, and none is lost.

`NOTICES` says how many; the number that the report was made with is 2,000.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.delivery import received
from tests.support.in_process.register import SECRET
from tests.support.tables import deliveries, outbox

NOTICES = int(os.environ.get("NOTICES", "400"))
SENDERS = 2
ANSWERS_AFTER_SECONDS = 0.1
"""So that kills find notices under way."""
UNTIL_SECONDS = 180 + NOTICES / 3


@dataclass
class Desk:
    """Remembers what it took, verified, by id; comes and goes on one port."""

    port: int
    taken: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    runner: web.AppRunner | None = None

    async def open(self) -> None:
        application = web.Application()
        application.router.add_post("/notices", self._take)
        self.runner = web.AppRunner(application, shutdown_timeout=0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def close(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(SECRET).verify(body, {name.lower(): value for name, value in request.headers.items()})
        notice = request.headers["webhook-id"]
        self.taken[notice] += 1
        self.bodies.setdefault(notice, set()).add(body)
        await asyncio.sleep(ANSWERS_AFTER_SECONDS)
        return web.Response(status=204)


def start_sender(database: Database, slot: int, desk: Desk) -> subprocess.Popen[bytes]:
    settings = {
        "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
        "SAFE_RETURN_DATABASE_PASSWORD": f"{database.password}-police",
        "SAFE_RETURN_HTTP_PORT": "1",
        "SAFE_RETURN_SLOT": str(slot),
        "SENDER_DESK": f"http://127.0.0.1:{desk.port}/notices",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.crashes.sender"], env=os.environ | settings, stderr=subprocess.DEVNULL
    )


async def put_all(engine: AsyncEngine, keyring: Keyring) -> dict[str, str]:
    """Every notice's id, and its child."""
    clocks, put = Clocks(), {}
    store = Store(engine, origin=Origin("police", clocks))
    for _ in range(NOTICES):
        told = received()
        delivery = Delivery.of(told, lane="force-a", now=clocks.wall())
        async with store.transaction() as uow:
            await delivery_repository.put(uow, "police", delivery, keyring, None)
        put[str(delivery.id)] = told.subject
    return put


async def trouble(database: Database, desk: Desk, senders: list[subprocess.Popen[bytes]], over: asyncio.Event) -> int:
    """Each time that some more notices have been taken, kills a sender, half of them without a word, or closes the desk for
    a moment. How many kills there were.
    """
    chance, kills = random.Random(20261124), 0
    while not over.is_set():
        reached = len(desk.taken) + NOTICES // 15
        while len(desk.taken) < reached and not over.is_set():  # noqa: ASYNC110 other processes bring it about
            await asyncio.sleep(0.02)
        if chance.random() < 0.25:
            await desk.close()
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            await desk.open()
            continue
        slot = chance.randrange(SENDERS)
        senders[slot].send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        await asyncio.to_thread(senders[slot].wait)
        kills += 1
        senders[slot] = start_sender(database, slot, desk)
    return kills


async def unsent(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(select(func.count()).where(deliveries.c.state != "accepted")) or 0)


@pytest.mark.crash
@pytest.mark.timeout(UNTIL_SECONDS + 300)
async def test_every_notice_is_taken_under_one_id_through_kills_of_sender_and_desk(
    database: Database, keyring: Keyring
) -> None:
    engine, desk, over = database.engine("police"), Desk(free_port()), asyncio.Event()
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="accepted"))
        await connection.execute(outbox.delete())
    put = await put_all(engine, keyring)
    await desk.open()
    senders = [start_sender(database, slot, desk) for slot in range(SENDERS)]
    started = time.monotonic()
    troubling = asyncio.create_task(trouble(database, desk, senders, over))
    try:
        async with asyncio.timeout(UNTIL_SECONDS):
            while await unsent(engine):  # noqa: ASYNC110 other processes bring it about
                await asyncio.sleep(0.2)
    finally:
        took = time.monotonic() - started
        over.set()
        kills = await troubling
        for sender in senders:
            sender.terminate()
            sender.wait(60)
        await desk.close()
    async with engine.connect() as connection:
        accepted = [outbox.c.envelope.contains(each) for each in (b"duty.accepted", b'"accepted":[')]
        said = Counter((await connection.execute(select(outbox.c.key).where(or_(*accepted)))).scalars())
    await engine.dispose()
    repeats = sum(desk.taken.values()) - len(desk.taken)
    print(
        f"{NOTICES} notices in {took:.0f} s through {kills} kills of senders: {repeats} came twice, under their own id"
    )
    assert set(desk.taken) == set(put)
    assert all(len(bodies) == 1 for bodies in desk.bodies.values())
    assert said == Counter(put.values())
    assert kills >= 5
    assert repeats <= kills * 8
