"""What PostgreSQL tells a process is heard; what it could not tell is looked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from services.platform.runtime.clocks import Clocks
from services.platform.store import story_clock
from services.platform.store.engine import Channels, Listener, database_url
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually

LISTENERS = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
CUT = f"SELECT count(pg_terminate_backend(pid)) {LISTENERS}"


COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("clock"))
    yield opened
    await opened.close()


@asynccontextmanager
async def listening(database: Database, channels: Channels, **options: float) -> AsyncIterator[Listener]:
    """Returns when it is connected."""
    connected = asyncio.Event()
    channels.on("test_connected", lambda _: connected.set())
    listener = Listener(database_url(database.settings("clock"), "clock"), channels, **options)
    await listener.start()
    await asyncio.wait_for(connected.wait(), 45)
    yield listener
    await listener.stop()


async def _break_off(store: Store) -> None:
    async with store.transaction() as uow:
        uow.notify("test_a", "never")
        raise ValueError("never")


async def test_what_is_committed_is_heard_on_its_channel_alone_and_once(database: Database, store: Store) -> None:
    heard, others = list[str | None](), list[str | None]()
    store.channels.on("test_a", heard.append)
    store.channels.on("test_b", others.append)
    async with listening(database, store.channels):
        with pytest.raises(ValueError, match="never"):
            await _break_off(store)
        async with store.transaction() as uow:
            uow.notify("test_a", "one")
            uow.notify("test_a", "one")
            uow.notify("test_a", "two")
        await eventually(lambda: len(heard) == 3)
    assert heard == [None, "one", "two"]
    assert others == [None]


async def test_a_connection_that_was_cut_is_made_anew_and_what_was_missed_meanwhile_is_told_of(
    database: Database, store: Store
) -> None:
    heard = list[str | None]()
    store.channels.on("test_a", heard.append)
    async with listening(database, store.channels) as listener:
        assert listener.obstacle() is None
        heard.clear()
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            assert connection.execute(CUT).fetchone() == (1,)
            await eventually(lambda: listener.obstacle() is not None)
            connection.execute("NOTIFY test_a, 'lost'")
            await eventually(lambda: listener.obstacle() is None)
            assert heard == [None, None], "once that it is lost, once that it is back"
            connection.execute("NOTIFY test_a, 'heard'")
            await eventually(lambda: heard[-1] == "heard")


async def test_probes_are_no_transactions(database: Database, store: Store) -> None:
    async with listening(database, store.channels, probe_every=0.02) as listener:
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            before = connection.execute(COMMITS).fetchone()
            await asyncio.sleep(3)
            after = connection.execute(COMMITS).fetchone()
        assert listener.obstacle() is None
    assert before is not None
    assert after is not None
    assert after[0] - before[0] < 10, "a hundred probes were made"


async def test_story_time_is_followed_as_soon_as_it_moves(database: Database, store: Store) -> None:
    clocks, woken = Clocks(), asyncio.Event()
    clocks.on_move(woken.set)
    following = story_clock.follow_database(store, clocks)
    async with listening(database, store.channels):
        await following.start()
        await asyncio.sleep(0.5)
        moved = await story_clock.move_forward(store.engine, timedelta(minutes=7))
        await asyncio.wait_for(woken.wait(), 15)
        assert clocks.offset == moved
        await following.stop()


async def test_a_move_that_nobody_tells_of_is_seen_at_the_next_look(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story_clock, "FOLLOW_EVERY_SECONDS", 0.3)
    clocks = Clocks()
    following = story_clock.follow_database(store, clocks)
    await following.start()
    await asyncio.sleep(0.1)
    moved = await story_clock.move_forward(store.engine, timedelta(minutes=7))
    await eventually(lambda: clocks.offset == moved)
    await following.stop()
