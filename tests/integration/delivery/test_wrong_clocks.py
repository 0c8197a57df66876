"""A process on a machine whose clock is wrong takes nothing from the others of its service, and leaves them what it held."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.model import Delivery
from services.platform.delivery.sending import worker
from services.platform.store import story_clock
from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.delivery import LATER, PlayedMedium, all_withdrawn, eventually, received, running_floor
from tests.support.wrong_clocks import WrongClocks

EITHER_WAY = pytest.mark.parametrize("minutes", [10, -10])
A_MOMENT = timedelta(minutes=1)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


async def wrong_by(minutes: int, engine: AsyncEngine) -> WrongClocks:
    """As of a process that has started."""
    clocks = WrongClocks(timedelta(minutes=minutes))
    async with engine.connect() as connection:
        await story_clock.set_by(connection, clocks)
    return clocks


@EITHER_WAY
async def test_what_it_held_when_it_died_is_taken_up_at_the_end_of_its_lease(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    monkeypatch.setattr(worker, "LEASE", timedelta(seconds=3))
    hanging, other, clocks = PlayedMedium(delay_seconds=600), PlayedMedium(), await wrong_by(minutes, engine)
    async with running_floor(engine, keyring, hanging, slot=1, clocks=clocks) as first:
        delivery = await first.put(received(), "force-a")
        await eventually(lambda: hanging.sent)
        await first.die()
        async with running_floor(engine, keyring, other, slot=2) as second:
            ends = (await second.row(delivery.id))["lease_until"]
            assert abs(ends - datetime.now(UTC)) < A_MOMENT
            await second.until(delivery.id, "accepted", within=60)
    [sent] = other.sent
    assert ends <= sent.now < ends + A_MOMENT


@EITHER_WAY
async def test_what_failed_there_is_due_for_the_others_when_it_should_be(
    engine: AsyncEngine, keyring: Keyring, minutes: int
) -> None:
    failing, other = PlayedMedium(otherwise=LATER), PlayedMedium()
    clocks = await wrong_by(minutes, engine)
    async with running_floor(engine, keyring, failing, slot=1, clocks=clocks) as first:
        delivery = await first.put(received(), "force-b")
        await eventually(lambda: failing.sent)
        await first.idle()
    async with running_floor(engine, keyring, other, slot=2) as second:
        row = await second.until(delivery.id, "accepted", within=60)
    assert abs(row["changed_at"] - delivery.created_at) < 2 * A_MOMENT


@EITHER_WAY
async def test_it_takes_neither_what_another_holds_nor_what_is_not_due(
    engine: AsyncEngine, keyring: Keyring, minutes: int
) -> None:
    hanging, wrong = PlayedMedium(delay_seconds=600), PlayedMedium()
    clocks = await wrong_by(minutes, engine)
    async with running_floor(engine, keyring, hanging, slot=1) as first:
        await first.put(received(), "force-c")
        await eventually(lambda: hanging.sent)
        held_back = replace(
            Delivery.of(received(), lane="force-d", now=first.clocks.wall()), held_for=timedelta(minutes=5)
        )
        async with first.store.transaction() as uow:
            await first.loop.put(uow, held_back)
        async with running_floor(engine, keyring, wrong, slot=2, clocks=clocks) as second:
            await second.loop._turn()
            await second.idle()
            assert wrong.sent == []
        first.forget()
