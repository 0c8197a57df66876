"""Whatever the other end answers, and whatever goes wrong in a medium: an attempt is recorded, and the schedule goes on to its end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.delivery.medium import Answer, Sending
from services.delivery.parcel import Fixed, Parcel
from services.delivery.schedule import URGENT
from services.delivery.webhook import WebhookMedium
from services.store.encryption import Keyring
from services.store.transaction import Transaction
from tests.support.database import Database
from tests.support.delivery import Floor, PlayedMedium, all_withdrawn, received, running_floor
from tests.support.desk import faulty_desk, status
from tests.support.register import SECRET


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


class Broken(PlayedMedium):
    """Raises what no medium should, once or for ever."""

    def __init__(self, *errors: Exception, for_ever: bool = False) -> None:
        super().__init__()
        self.errors, self.for_ever = list(errors), for_ever

    async def send(self, sending: Sending) -> Answer:
        if self.errors:
            self.sent.append(sending)
            raise self.errors[0] if self.for_ever else self.errors.pop(0)
        return await super().send(sending)


async def put(floor: Floor, told: Any, lane: str, *, age: timedelta = timedelta()) -> Parcel:
    parcel = Parcel.of(told, lane=lane, now=floor.clocks.wall() - age)
    async with floor.store.transaction() as transaction:
        await floor.loop.put(transaction, parcel)
    return parcel


@pytest.mark.parametrize(
    "asked", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000, "soon"], ids=["date", "digits", "words"]
)
async def test_a_pause_that_cannot_be_read_is_none(engine: AsyncEngine, keyring: Keyring, asked: str) -> None:
    async with faulty_desk(SECRET) as desk:

        async def prepare(_: Transaction, __: Parcel) -> Fixed:
            return Fixed(desk.url, "notice", secrets=(SECRET,))

        desk.answers = [status(503, retry_after=asked)]

        async def secrets(_: Transaction, __: Parcel) -> tuple[str, ...]:
            return (SECRET,)

        medium = WebhookMedium(sandbox=True)
        async with running_floor(engine, keyring, medium, prepare=prepare, secrets=secrets) as floor:
            parcel = await floor.put(received(), f"force-{asked[:3]}")
            await floor.until(parcel.id, "accepted")
            log = await floor.attempts(parcel.id)
    assert [(each["result"], each["status"]) for each in log] == [("retry", 503), ("accepted", 204)]
    assert len(desk.received) == 2


@pytest.mark.parametrize("error", [OverflowError("too large"), RecursionError(), RuntimeError("no loop")], ids=type)
async def test_what_a_medium_raises_is_an_answer_that_nobody_knows(
    engine: AsyncEngine, keyring: Keyring, error: Exception
) -> None:
    medium = Broken(error)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        parcel = await floor.put(told, "force-broken")
        row = await floor.until(parcel.id, "unknown", within=5)
        said = await floor.said(told.subject)
    assert [each["result"] for each in await floor.attempts(parcel.id)] == ["unknown"]
    assert row["lease_owner"] is None
    assert row["next_attempt_at"] > row["created_at"]
    assert [each["data"]["result"] for each in said if each["type"] == "delivery.attempted.v1"] == ["unknown"]


async def test_a_medium_that_raises_for_ever_ends_with_its_retries(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = Broken(OverflowError("too large"), for_ever=True)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        parcel = await put(floor, told, "force-for-ever", age=timedelta(seconds=sum(URGENT.delays)))
        await floor.until(parcel.id, "failed", within=5)
        said = await floor.said(told.subject)
    assert (said[-1]["type"], said[-1]["data"]["reason"]) == ("duty.failed.v1", "retries-spent")
    assert len(medium.sent) == 1
