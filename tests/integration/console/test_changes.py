"""The connection on which the console hears of changes, where it is lost without a word."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from services.console.read_model.repository import CHANGES
from services.console.web.pages.overview import Changes
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels, Listener, database_url
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.engines.proxy import Proxy, proxy_to
from tests.support.in_process.delivery import eventually


@dataclass
class Heard:
    changes: Changes
    listener: Listener
    proxy: Proxy
    store: Store

    async def happens(self, times: int = 1) -> None:
        async with self.store.engine.begin() as connection:
            for each in range(times):
                asked = {"channel": CHANGES, "what": f"child-{each} kestrel"}
                await connection.execute(text("SELECT pg_notify(:channel, :what)"), asked)

    async def goes_on(self) -> None:
        """As long as nothing is heard, this lets one more happen."""
        await eventually(lambda: self.listener.obstacle() is None)
        await asyncio.sleep(0.5)
        before = self.changes.count
        await self.happens()
        await eventually(lambda: self.changes.count == before + 1)


@pytest.fixture
async def heard(database: Database, opened: Store) -> AsyncIterator[Heard]:
    async with proxy_to(database.port) as proxy:
        through = database_url(database.settings("console"), "console").set(host="127.0.0.1", port=proxy.port)
        channels = Channels()
        changes = Changes(channels, Clocks())
        listener = Listener(through, channels, probe_every=0.2, answered_within=1.5)
        await listener.start()
        await eventually(lambda: changes.count)
        yield Heard(changes, listener, proxy, opened)
        await asyncio.wait_for(listener.stop(), 30)


async def test_a_connection_that_is_lost_without_a_word_is_noticed_and_made_anew(heard: Heard) -> None:
    await heard.goes_on()
    heard.proxy.silence()
    heard.proxy.speak()
    await eventually(lambda: heard.listener.obstacle() is not None)
    await heard.goes_on()


async def test_while_there_is_none_it_is_an_obstacle_and_open_pages_look_for_themselves(heard: Heard) -> None:
    looks = heard.changes.follow(None)
    await anext(looks)
    heard.proxy.silence()
    for _ in range(2):
        await asyncio.wait_for(anext(looks), 30)
        await eventually(lambda: heard.listener.obstacle() is not None)
    heard.proxy.speak()
    await heard.goes_on()
    await looks.aclose()


async def test_what_happens_while_it_asks_is_heard_too(heard: Heard) -> None:
    heard.listener._probe_every = 0
    before = heard.changes.count
    for _ in range(20):
        await heard.happens(10)
    await eventually(lambda: heard.changes.count == before + 200)
