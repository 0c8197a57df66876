"""What was read of the register to prepare a delivery is on the record, whatever becomes of the delivery. On a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.in_process.delivery import (
    LATER,
    Floor,
    PlayedMedium,
    all_withdrawn,
    eventually,
    received,
    running_floor,
)
from tests.support.tables import deliveries

PERSON = new_id("person")
ATTEMPTED, LOOKED_UP = "delivery.attempted.v1", "register.looked-up.v1"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


class Hanging(PlayedMedium):
    """Answers nobody."""

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append(sending)
        await asyncio.Future()
        raise AssertionError


async def put_and_died(engine: AsyncEngine, keyring: Keyring, told: Any) -> Delivery:
    """The process died between the beginning of the attempt and its result."""
    medium = Hanging()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = await floor.put(told, "force-reading")
        await eventually(lambda: medium.sent)
        assert (await floor.row(delivery.id))["looked_up"] == "child.name"
        assert await floor.said(told.subject) == []
        await floor.die()
    return delivery


async def becomes(floor: Floor, delivery: Delivery, **columns: Any) -> None:
    async with floor.store.engine.begin() as connection:
        await connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**columns))


async def read_by(floor: Floor, child: str) -> list[tuple[str, list[str]]]:
    """Which messages say what was read, and what."""
    said = [(each["type"], each["data"]) for each in await floor.said(child)]
    named = [(kind, data.get("looked_up") or data.get("fields")) for kind, data in said]
    return [(kind, fields) for kind, fields in named if fields]


async def test_the_first_attempt_on_the_record_says_it_and_no_later_one(engine: AsyncEngine, keyring: Keyring) -> None:
    told = received()
    async with running_floor(engine, keyring, PlayedMedium([LATER])) as floor:
        delivery = await floor.put(told, "force-reading")
        await floor.until(delivery.id, "accepted")
        said = [each["data"] for each in await floor.said(told.subject) if each["type"] == ATTEMPTED]
    assert [(each["attempt"], each.get("purpose"), each.get("looked_up")) for each in said] == [
        (1, "missing-notice", ["child.name"]),
        (2, None, None),
    ]


async def test_if_the_process_dies_before_it_is_recorded_the_next_attempt_says_it(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    told = received()
    delivery = await put_and_died(engine, keyring, told)
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        await floor.until(delivery.id, "accepted")
        said = [each["data"] for each in await floor.said(told.subject) if each["type"] == ATTEMPTED]
        assert (await floor.row(delivery.id))["looked_up"] is None
    assert [(each["attempt"], each["looked_up"]) for each in said] == [(2, ["child.name"])]


async def test_if_it_is_withdrawn_meanwhile_the_reading_is_a_message_of_its_own(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    told = received()
    delivery = await put_and_died(engine, keyring, told)
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        await floor.withdraw(received(duty=told.content.duty, revision=2, act="withdraw", child=told.subject))
        await floor.whatever_waits_is_sent()
        assert (await floor.row(delivery.id))["state"] == "withdrawn"
        assert await read_by(floor, told.subject) == [(LOOKED_UP, ["child.name"])]


@pytest.mark.parametrize("state", ["delivered", "acknowledged", "withdrawn"])
async def test_if_nobody_sends_it_again_the_reading_is_a_message_of_its_own_once_the_lease_is_over(
    engine: AsyncEngine, keyring: Keyring, state: str
) -> None:
    told = received()
    delivery = await put_and_died(engine, keyring, told)
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        lease = floor.loop._lease()
        await becomes(floor, delivery, state=state, lease_owner=lease.owner, lease_until=lease.until)
        await floor.loop._record_readings()
        assert await read_by(floor, told.subject) == [], "the process may yet record its attempt"
        await becomes(floor, delivery, lease_until=delivery.created_at)
        for _ in range(2):
            assert not await floor.loop._record_readings()
            assert await read_by(floor, told.subject) == [(LOOKED_UP, ["child.name"])]
        [said] = await floor.said(told.subject)
    assert said["data"] == {
        "authority": "kestrel",
        "purpose": "missing-notice",
        "fields": ["child.name"],
        "delivery": str(delivery.id),
    }


async def test_what_was_read_for_a_delivery_that_turns_out_undeliverable_is_a_message_of_its_own(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    told = received()

    async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        return Undeliverable("no-address", PERSON).having_read("person.mobile")

    async with running_floor(engine, keyring, PlayedMedium(), prepare=prepare) as floor:
        delivery = await floor.put(told, "force-reading")
        await floor.until(delivery.id, "failed")
        looked_up, failed = await floor.said(told.subject)
    assert looked_up["data"] == {
        "authority": "kestrel",
        "purpose": "missing-notice",
        "fields": ["person.mobile"],
        "person": PERSON,
        "delivery": str(delivery.id),
    }
    assert (failed["type"], failed["data"]["reason"]) == ("duty.failed.v1", "no-address")


def test_where_nobody_was_found_nothing_was_read() -> None:
    assert Undeliverable("nobody-in-role", PERSON).having_read("person.mobile").read == ()
