"""How far a machine's clock and the database's are apart, and that a process goes by the database's."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.platform.runtime.clocks import Clocks
from services.platform.store import outbox, story_clock
from services.platform.store.engine import Listener, connect, database_url
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import DutyStepDue
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.wrong_clocks import WrongClocks

AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine("clock"))
    yield opened
    await opened.close()


def off(clocks: Clocks) -> float:
    return (clocks.wall() - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
async def test_it_is_measured_whichever_is_ahead(store: Store, seconds: int) -> None:
    following = story_clock.follow_database(store, WrongClocks(timedelta(seconds=seconds)))
    for _ in range(2):
        await following._turn()
        [measured] = [sample.value for metric in story_clock.SKEW.collect() for sample in metric.samples]
        assert measured == pytest.approx(abs(seconds), abs=60)
        assert seconds or measured == 0


@pytest.mark.parametrize("wrong", [AN_HOUR, -AN_HOUR])
async def test_parts_that_start_later_have_the_databases_time(store: Store, wrong: timedelta) -> None:
    clocks = WrongClocks(wrong)
    following = story_clock.follow_database(store, clocks)
    await following.start()
    assert off(clocks) == pytest.approx(0, abs=2)
    await following.stop()


async def test_without_a_database_they_start_all_the_same(database: Database) -> None:
    """A text must be taken in while it is away."""
    settings = database.settings("clock")
    away = settings.model_copy(update={"database": "postgresql://127.0.0.1:1/safe_return"})
    store, clocks = Store(connect(away, "clock")), WrongClocks(AN_HOUR)
    following = story_clock.follow_database(store, clocks)
    await asyncio.wait_for(following.start(), 30)
    assert off(clocks) == pytest.approx(3600, abs=60)
    await following.stop()
    await store.close()


async def test_whoever_finds_that_the_databases_clock_was_set_tells_all(database: Database, store: Store) -> None:
    one, other = Clocks(), Clocks()
    for clocks in (one, other):  # as it was before
        clocks.follow(clocks.own() + AN_HOUR, time.monotonic())
    of_other = story_clock.follow_database(store, other)
    listener = Listener(database_url(database.settings("clock"), "clock"), store.channels)
    connected = asyncio.Event()
    store.channels.on("test_connected", lambda _: connected.set())
    await of_other.start()
    await listener.start()
    await asyncio.wait_for(connected.wait(), 15)
    await asyncio.sleep(0.5)  # the turns that starting and connecting cause
    assert off(other) < 60
    other.follow(other.own() + AN_HOUR, time.monotonic())
    await story_clock.follow_database(Store(store.engine), one)._turn()
    await eventually(lambda: max(off(one), off(other)) < 60, within=10)
    await listener.stop()
    await of_other.stop()


@pytest.mark.parametrize("wrong", [AN_HOUR, -AN_HOUR])
async def test_what_a_wrong_machine_leaves_in_the_outbox_is_as_old_as_it_is(
    database: Database, store: Store, wrong: timedelta
) -> None:
    clocks = WrongClocks(wrong)
    writing = Store(database.engine("clock"), origin=Origin("clock", clocks))
    await story_clock.follow_database(writing, clocks)._turn()
    child = new_id("child")
    async with writing.transaction() as uow:
        uow.publish_composed(DutyStepDue.topic, child, b"{}")
    ages = {}
    for seconds in (-30, 30):
        async with store.read() as reader:
            left = await reader.fetch(outbox.left(datetime.now(UTC) + timedelta(seconds=seconds)))
        ages[seconds] = child in left.keys
    assert ages == {-30: False, 30: True}
    await writing.close()
