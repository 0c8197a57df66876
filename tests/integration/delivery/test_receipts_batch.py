"""Twilio's reports of what became of texts: those that come together are committed together, each by itself where one goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.delivery.sms_status.receipts import Receipts, Report
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.carers import now
from tests.support.in_process.delivery import received
from tests.support.tables import deliveries

SERVICE = "professionals"


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    opened = Store(database.engine(SERVICE), origin=Origin(SERVICE, Clocks()))
    yield opened
    await opened.close()


@pytest.fixture
def receipts(store: Store) -> Receipts:
    return Receipts(SERVICE, store, Clocks())


async def taken(store: Store, keyring: Keyring, **stands: Any) -> Delivery:
    """A text that Twilio has taken under the delivery's own id."""
    duty = received(ProfessionalNotify, role=Role.DUTY_WORKER, channel=Channel.TEXT)
    delivery = Delivery.of(duty, lane="texts", now=now())
    how = {"state": "accepted", "provider_id": str(delivery.id)} | stands
    async with store.transaction() as uow:
        await delivery_repository.put(uow, SERVICE, delivery, keyring, None)
        await uow.connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**how))
    return delivery


def report(delivery: Delivery, status: str) -> Report:
    return Report(delivery.id, str(delivery.id), status)


async def state_of(store: Store, delivery: UUID) -> str:
    async with store.engine.connect() as connection:
        return str(await connection.scalar(select(deliveries.c.state).where(deliveries.c.id == delivery)))


async def said_of(store: Store, *parcels: Delivery) -> int:
    async with store.engine.connect() as connection:
        asked = text("SELECT count(*) FROM outbox WHERE key = ANY(:c)"), {"c": [each.child for each in parcels]}
        return int(await connection.scalar(*asked) or 0)


async def test_reports_that_come_together_share_a_transaction(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    parcels = [await taken(store, keyring) for _ in range(12)]
    with round_trips(store.engine) as trips:
        await receipts.take(report(parcels[0], "delivered"))
        of_one = trips.count
        trips.begin()
        await asyncio.gather(*(receipts.take(report(each, "delivered")) for each in parcels[1:]))
        assert trips.count <= 2 * of_one, trips.statements
    assert {await state_of(store, each.id) for each in parcels} == {"delivered"}
    assert await said_of(store, *parcels) == len(parcels)


async def test_what_is_known_already_costs_one_question_and_holds_no_row(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    delivery = await taken(store, keyring)
    await receipts.take(report(delivery, "queued"))
    async with store.transaction() as holding:
        await holding.connection.execute(
            select(deliveries.c.id).where(deliveries.c.id == delivery.id).with_for_update()
        )
        with round_trips(store.engine) as trips:
            async with asyncio.timeout(30):
                await asyncio.gather(*(receipts.take(report(delivery, each)) for each in ("queued", "sent")))
            assert trips.count <= 2, trips.statements


async def test_of_one_text_the_order_in_which_reports_come_is_kept(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    first, second = await taken(store, keyring), await taken(store, keyring, state="unknown", provider_id=None)
    async with asyncio.TaskGroup() as group:
        for each in (report(await taken(store, keyring), "sent"), report(second, "sent"), report(second, "delivered")):
            group.create_task(receipts.take(each))
        for status in ("delivered", "undelivered", "sent"):
            group.create_task(receipts.take(report(first, status)))
    assert [await state_of(store, each.id) for each in (first, second)] == ["delivered", "delivered"]
    assert (await said_of(store, first), await said_of(store, second)) == (1, 1)


async def test_a_report_that_cannot_be_written_takes_no_other_with_it(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    good, other, broken = [await taken(store, keyring) for _ in range(3)]
    async with store.engine.begin() as connection:
        await connection.execute(update(deliveries).where(deliveries.c.id == broken.id).values(telling={}))
    ends = await asyncio.gather(
        *(receipts.take(report(each, "delivered")) for each in (good, broken, other)), return_exceptions=True
    )
    assert [isinstance(each, Exception) for each in ends] == [False, True, False]
    assert [await state_of(store, each.id) for each in (good, broken, other)] == ["delivered", "accepted", "delivered"]
    assert await said_of(store, good, other) == 2


async def test_a_row_that_is_locked_holds_up_no_other_report(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    locked, *others = [await taken(store, keyring) for _ in range(3)]
    async with store.transaction() as holding:
        await holding.connection.execute(select(deliveries.c.id).where(deliveries.c.id == locked.id).with_for_update())
        waits, *told = [asyncio.create_task(receipts.take(report(each, "delivered"))) for each in (locked, *others)]
        await asyncio.gather(*told)
        assert [await state_of(store, each.id) for each in others] == ["delivered", "delivered"]
        assert not waits.done()
    await waits
    assert await state_of(store, locked.id) == "delivered"


async def test_a_report_that_waits_by_itself_for_a_row_holds_up_none_that_comes_later(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    locked, other = [await taken(store, keyring) for _ in range(2)]
    async with store.transaction() as holding:
        await holding.connection.execute(select(deliveries.c.id).where(deliveries.c.id == locked.id).with_for_update())
        waits = asyncio.create_task(receipts.take(report(locked, "delivered")))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(6):  # PostgreSQL lets a report wait for ten seconds
            await receipts.take(report(other, "delivered"))
        assert not waits.done()
    await waits
    assert await state_of(store, locked.id) == "delivered"


async def test_a_report_is_answered_only_when_it_is_committed(
    store: Store, receipts: Receipts, keyring: Keyring
) -> None:
    delivery = await taken(store, keyring)
    async with store.transaction() as holding:
        await holding.connection.execute(
            select(deliveries.c.id).where(deliveries.c.id == delivery.id).with_for_update()
        )
        told = asyncio.create_task(receipts.take(report(delivery, "delivered")))
        await asyncio.sleep(0.2)
        assert not told.done()
    await told
    assert await state_of(store, delivery.id) == "delivered"
