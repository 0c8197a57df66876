"""Deadlines fire when they are due, though the clock looks seldom: its looks are put off here so far that they cannot help."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.clock import timer
from services.clock.timer import DeadlineTimer
from services.platform.messages.envelope import compose
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.deadlines import Pending
from services.platform.store.engine import Listener, database_url
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import DutyStepDue
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.wrong_clocks import WrongClocks

FIRED = "SELECT fired_at FROM deadlines.due WHERE deadline = %(deadline)s"


class Clockwork:
    def __init__(self, protocol: Store, clock: Store) -> None:
        self.protocol, self.clock, self.clocks = protocol, clock, Clocks()

    async def put(self, due_at: datetime) -> UUID:
        deadline, child = uuid4(), new_id("child")
        content = DutyStepDue(authority="kestrel", deadline=deadline, version=1, duty=uuid4(), step=1)
        envelope = compose(content, said_by="protocol", subject=child, at=due_at, message_id=f"{deadline}/1")
        async with self.protocol.transaction() as uow:
            deadlines.put_all(uow, [Pending(deadline, 1, child, due_at, envelope)], self.clocks.story())
        return deadline

    async def lateness(self, deadline: UUID, due_at: datetime, within: float = 15) -> timedelta:
        async with asyncio.timeout(within), self.clock.read() as reader:
            while (at := await reader.fetch(Query(FIRED, {"deadline": deadline}, scalar))) is None:  # noqa: ASYNC110 another loop brings it about
                await asyncio.sleep(0.02)
        fired_at: datetime = at
        return fired_at - due_at

    @asynccontextmanager
    async def hearing(self, database: Database) -> AsyncIterator[None]:
        connected = asyncio.Event()
        self.clock.channels.on("test_connected", lambda _: connected.set())
        listener = Listener(database_url(database.settings("clock"), "clock"), self.clock.channels)
        await listener.start()
        await asyncio.wait_for(connected.wait(), 45)
        await asyncio.sleep(0.3)  # the turn that connecting causes
        yield
        await listener.stop()

    @asynccontextmanager
    async def firing(self) -> AsyncIterator[None]:
        loop = DeadlineTimer(self.clock, self.clocks).loop
        await loop.start()
        yield
        await loop.stop()


SLOW = timedelta(seconds=5)
"""What a busy machine may be late by. What is not woken at its moment comes ten minutes later here."""


@pytest.fixture
async def clockwork(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clockwork]:
    monkeypatch.setattr(timer, "LOOK_EVERY_SECONDS", 600)
    protocol = Store(database.engine("protocol"), origin=Origin("protocol", Clocks()))
    clock = Store(database.engine("clock"), origin=Origin("clock", Clocks()))
    yield Clockwork(protocol, clock)
    await protocol.close()
    await clock.close()


@pytest.mark.parametrize("minutes_off", [0, 10, -10])
async def test_a_deadline_that_is_known_fires_at_its_moment(clockwork: Clockwork, minutes_off: int) -> None:
    """Whatever the machine's own clock says: the database's decides."""
    clockwork.clocks, right = WrongClocks(timedelta(minutes=minutes_off)), clockwork.clocks
    due_at = right.story() + timedelta(seconds=1.5)
    deadline = await clockwork.put(due_at)
    async with clockwork.firing():
        assert timedelta() <= await clockwork.lateness(deadline, due_at) < SLOW


async def test_one_that_comes_before_the_next_look_is_told_of(clockwork: Clockwork, database: Database) -> None:
    async with clockwork.firing(), clockwork.hearing(database):
        for seconds in (0.0, 1.0):
            due_at = clockwork.clocks.story() + timedelta(seconds=seconds)
            assert await clockwork.lateness(await clockwork.put(due_at), due_at) < SLOW


async def test_those_that_come_later_are_not_told_of(clockwork: Clockwork, database: Database) -> None:
    heard = list[str | None]()
    clockwork.clock.channels.on(deadlines.TOLD, heard.append)
    async with clockwork.hearing(database):
        await clockwork.put(clockwork.clocks.story() + timedelta(minutes=15))
        await clockwork.put(clockwork.clocks.story())
        await eventually(lambda: len(heard) == 2)
        await asyncio.sleep(0.5)
    assert heard == [None, ""], "it takes its turn with every other commit of the database"


async def test_what_it_was_not_told_of_it_finds_at_the_next_look(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer, "LOOK_EVERY_SECONDS", 0.5)
    async with clockwork.firing():
        await asyncio.sleep(0.2)
        due_at = clockwork.clocks.story()
        assert await clockwork.lateness(await clockwork.put(due_at), due_at) < SLOW


async def test_a_move_of_story_time_fires_what_it_has_passed(clockwork: Clockwork) -> None:
    due_at = clockwork.clocks.story() + timedelta(minutes=30)
    deadline = await clockwork.put(due_at)
    async with clockwork.firing():
        await asyncio.sleep(0.3)
        clockwork.clocks.move_to(timedelta(minutes=30))
        assert await clockwork.lateness(deadline, due_at) < SLOW


def test_the_protocol_tells_of_more_than_the_next_look_would_miss() -> None:
    assert timedelta(seconds=timer.LOOK_EVERY_SECONDS) < deadlines.LOOKED_AHEAD
