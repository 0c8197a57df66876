"""What is due is taken up when it is due, though nothing is polled: the sweep is put off here so far that it cannot help."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository
from services.platform.delivery.sending import worker
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Listener, database_url
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.delivery import (
    LATER,
    Floor,
    PlayedMedium,
    all_withdrawn,
    eventually,
    received,
    running_floor,
)

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"

SLOW = timedelta(seconds=5)
"""What a busy machine may be late by. What is not woken at its moment comes ten minutes later here."""


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


@pytest.fixture
def no_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 600)


@asynccontextmanager
async def hearing(database: Database, floor: Floor) -> AsyncIterator[Listener]:
    connected = asyncio.Event()
    floor.store.channels.on("test_connected", lambda _: connected.set())
    listener = Listener(database_url(database.settings("police"), "police"), floor.store.channels)
    await listener.start()
    await asyncio.wait_for(connected.wait(), 45)
    await asyncio.sleep(0.3)  # the turn that connecting causes
    yield listener
    await listener.stop()


@pytest.mark.usefixtures("no_sweeps")
async def test_a_retry_goes_when_it_is_due(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(answers=[LATER])
    async with running_floor(engine, keyring, medium) as floor:
        delivery = await floor.put(received(), "force-a")
        await eventually(lambda: medium.sent)
        await floor.idle()
        row = await floor.row(delivery.id)
        assert (row["state"], row["attempts"]) == ("waiting", 1)
        due_at = row["next_attempt_at"]
        await floor.until(delivery.id, "accepted")
        first, second = await floor.attempts(delivery.id)
    assert first["started_at"] < due_at <= second["started_at"] < due_at + SLOW


@pytest.mark.usefixtures("no_sweeps")
async def test_what_is_held_back_goes_when_its_time_has_come(engine: AsyncEngine, keyring: Keyring) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        made = Delivery.of(received(), lane="force-a", now=floor.clocks.wall())
        async with floor.store.transaction() as uow:
            await floor.loop.put(uow, replace(made, held_for=timedelta(seconds=1)))
        row = await floor.until(made.id, "accepted")
    assert timedelta(seconds=1) <= row["changed_at"] - made.created_at < timedelta(seconds=1) + SLOW


@pytest.mark.usefixtures("no_sweeps")
async def test_what_another_process_gives_back_goes_at_once(
    database: Database, engine: AsyncEngine, keyring: Keyring
) -> None:
    async with AsyncExitStack() as running:
        stuck, other = PlayedMedium(delay_seconds=600), PlayedMedium()
        second = await running.enter_async_context(running_floor(engine, keyring, other, slot=2))
        await running.enter_async_context(hearing(database, second))
        async with running_floor(engine, keyring, stuck, slot=1, at_once=1) as first:
            waits = [await first.put(received(), "force-b") for _ in range(3)]
            await eventually(lambda: stuck.sent)
        for each in waits:
            await second.until(each.id, "accepted")


@pytest.mark.usefixtures("no_sweeps")
async def test_the_lease_of_a_process_that_died_is_waited_for_and_no_longer(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEASE", timedelta(seconds=2))
    async with running_floor(engine, keyring, PlayedMedium(delay_seconds=600), slot=1) as first:
        delivery = await first.put(received(), "force-c")
        await eventually(lambda: first.loop._dispatcher.held)
        await first.die()
        other = PlayedMedium()
        async with running_floor(engine, keyring, other, slot=2) as second:
            ends = (await second.row(delivery.id))["lease_until"]
            await second.until(delivery.id, "accepted")
    [sent] = other.sent
    assert ends <= sent.now < ends + SLOW


async def test_the_sweep_comes_before_any_lease_can_end_unseen() -> None:
    longest = worker.SWEEP_EVERY_SECONDS + worker.LOOK_AHEAD_EVERY.total_seconds()
    assert longest < worker.LEASE.total_seconds()


@pytest.mark.usefixtures("no_sweeps")
async def test_what_one_process_has_no_room_for_others_hear_of(
    database: Database, engine: AsyncEngine, keyring: Keyring
) -> None:
    async with AsyncExitStack() as running:
        other = PlayedMedium()
        second = await running.enter_async_context(running_floor(engine, keyring, other, slot=2))
        await running.enter_async_context(hearing(database, second))
        first = await running.enter_async_context(
            running_floor(engine, keyring, PlayedMedium(delay_seconds=600), slot=1, at_once=1)
        )
        for _ in range(40):
            await first.put(received(), "force-d")
        await eventually(lambda: len(other.sent) >= 20)
        first.forget()


async def _left_by_a_command(floor: Floor, keyring: Keyring) -> Delivery:
    made = Delivery.of(received(), lane="force-e", now=floor.clocks.wall())
    async with floor.store.transaction() as uow:
        await repository.put(uow, "police", made, keyring, None)
        uow.notify(repository.channel_of("police"))
    return made


@pytest.mark.usefixtures("no_sweeps")
async def test_what_a_command_put_goes_at_once(database: Database, engine: AsyncEngine, keyring: Keyring) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor, hearing(database, floor):
        made = await _left_by_a_command(floor, keyring)
        await floor.until(made.id, "accepted")


@pytest.mark.usefixtures("no_sweeps")
async def test_after_its_connection_was_cut_a_process_looks_for_what_it_may_have_missed(
    database: Database, engine: AsyncEngine, keyring: Keyring
) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor, hearing(database, floor):
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            connection.execute(CUT)
        made = await _left_by_a_command(floor, keyring)
        await floor.until(made.id, "accepted")


async def test_a_notification_that_nobody_hears_costs_a_sweep_and_no_more(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 0.5)
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        made = await _left_by_a_command(floor, keyring)
        await floor.until(made.id, "accepted")


async def test_an_idle_floor_asks_nothing(engine: AsyncEngine, keyring: Keyring) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        delivery = await floor.put(received(), "force-f")
        await floor.until(delivery.id, "accepted")
        await floor.idle()
        await asyncio.sleep(0.5)
        with round_trips(engine) as trips:
            trips.begin()
            await asyncio.sleep(4)
            assert trips.count <= 1, trips.statements
