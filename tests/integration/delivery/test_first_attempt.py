"""A first attempt begins with the commit of what puts its parcel: what that costs, and what keeps it from being sent."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from psycopg import DataError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.queue.repository import supersede
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from tests.support.database import Database
from tests.support.delivery import PlayedMedium, all_withdrawn, received, running_floor
from tests.support.round_trips import counted

NO_TEXT = "a\x00b"
"""Which PostgreSQL takes into no column."""


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


async def test_a_parcel_is_put_sealed_and_begun_in_two_round_trips(engine: AsyncEngine, keyring: Keyring) -> None:
    """Where its owner has a key; one that has none gets it, which takes longer."""
    medium, first = PlayedMedium(), received()
    second = received(child=first.subject)
    async with running_floor(engine, keyring, medium) as floor:
        await floor.until((await floor.put(first, "force-ba")).id, "accepted")
        delivery = Delivery.of(second, lane="force-ba", now=floor.clocks.wall())
        async with counted(floor.store) as (uow, trips):
            await floor.loop.put(uow, delivery)
        row = await floor.until(delivery.id, "accepted")
    assert trips == [2]
    assert row["attempts"] == 1
    assert f"notice {delivery.id}".encode() not in row["body"]
    assert [each.body for each in medium.sent] == [f"notice {first.content.telling}", f"notice {delivery.id}"]


async def test_what_is_acknowledged_in_the_transaction_that_puts_it_is_not_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = Delivery.of(told, lane="force-bb", now=floor.clocks.wall())
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, delivery)
            await floor.loop.acknowledged(uow, told.content.duty, 0)
        row = await floor.row(delivery.id)
        await floor.whatever_waits_is_sent()
    assert (row["state"], row["attempts"]) == ("acknowledged", 0)
    assert medium.sent == []


async def test_what_is_superseded_in_the_transaction_that_puts_it_is_not_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        now = floor.clocks.wall()
        newer = received(child=told.subject).content.telling
        older, newest = (
            Delivery.of(told, lane="force-bc", now=now),
            Delivery.of(told, lane="force-bc", now=now, id=newer),
        )
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, older)
            await supersede(uow, "police", told.content, by=newest.id, at=now)
            assert await floor.loop.put(uow, newest)
        await floor.until(newest.id, "accepted")
        await floor.whatever_waits_is_sent()
        assert (await floor.row(older.id))["state"] == "withdrawn"
    assert [each.id for each in medium.sent] == [newest.id]


async def test_where_the_commit_refuses_what_was_begun_the_parcel_is_put_again_and_begins_alone(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
        return PreparedMessage("https://force.example/notices", "words", person=NO_TEXT)

    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        with pytest.raises(DataError):
            await floor.put(told, "force-bd")
        delivery = await floor.put(told, "force-bd")
        async with floor.without_pauses():
            await floor.until(delivery.id, "failed")
        assert await floor.kinds_said(told.subject) == ["duty.failed.v1"]
    assert medium.sent == []


async def test_what_was_begun_in_a_transaction_that_failed_begins_alone_once_and_is_forgotten(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(delay_seconds=0.3), received()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = Delivery.of(told, lane="force-be", now=floor.clocks.wall())
        with contextlib.suppress(ZeroDivisionError):
            async with floor.store.transaction() as uow:
                await floor.loop.put(uow, delivery)
                raise ZeroDivisionError
        async with floor.store.transaction() as uow:
            await floor.loop.put(uow, delivery)
        alone = await floor.row(delivery.id)
        await floor.until(delivery.id, "accepted")
        assert floor.loop._uncommitted == set()
    assert alone["attempts"] == 0
    assert [each.id for each in medium.sent] == [delivery.id]
