"""Whatever the other end answers, and whatever goes wrong in a medium: an attempt is recorded, and the schedule goes on to its end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.retry_policy import URGENT
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, PlayedMedium, all_withdrawn, received, running_floor
from tests.support.in_process.register import SECRET
from tests.support.outside.desk import faulty_desk, status


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


class Broken(PlayedMedium):
    """Raises what no medium should, once or for ever."""

    def __init__(self, *errors: Exception, for_ever: bool = False) -> None:
        super().__init__()
        self.errors, self.for_ever = list(errors), for_ever

    async def send(self, sending: SendRequest) -> SendResult:
        if self.errors:
            self.sent.append(sending)
            raise self.errors[0] if self.for_ever else self.errors.pop(0)
        return await super().send(sending)


async def put(floor: Floor, told: Any, lane: str, *, age: timedelta = timedelta()) -> Delivery:
    delivery = Delivery.of(told, lane=lane, now=floor.clocks.wall() - age)
    async with floor.store.transaction() as uow:
        await floor.loop.put(uow, delivery)
    return delivery


@pytest.mark.parametrize(
    "asked", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000, "soon"], ids=["date", "digits", "words"]
)
async def test_a_pause_that_cannot_be_read_is_none(engine: AsyncEngine, keyring: Keyring, asked: str) -> None:
    async with faulty_desk(SECRET) as desk:

        async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
            return PreparedMessage(desk.url, "notice", secrets=(SECRET,))

        desk.answers = [status(503, retry_after=asked)]

        async def secrets(_: UnitOfWork, __: Delivery) -> tuple[None, tuple[str, ...]]:
            return None, (SECRET,)

        medium = WebhookMedium(sandbox=True)
        async with running_floor(engine, keyring, medium, prepare=prepare, secrets=secrets) as floor:
            delivery = await floor.put(received(), f"force-{asked[:3]}")
            await floor.until(delivery.id, "accepted")
            log = await floor.attempts(delivery.id)
    assert [(each["result"], each["status"]) for each in log] == [("retry", 503), ("accepted", 204)]
    assert len(desk.received) == 2


@pytest.mark.parametrize("error", [OverflowError("too large"), RecursionError(), RuntimeError("no loop")], ids=type)
async def test_what_a_medium_raises_is_an_answer_that_nobody_knows(
    engine: AsyncEngine, keyring: Keyring, error: Exception
) -> None:
    medium = Broken(error)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-broken")
        row = await floor.until(delivery.id, "unknown")
        said = await floor.said(told.subject)
    assert [each["result"] for each in await floor.attempts(delivery.id)] == ["unknown"]
    assert row["lease_owner"] is None
    assert row["next_attempt_at"] > row["created_at"]
    assert [each["data"]["result"] for each in said if each["type"] == "delivery.attempted.v1"] == ["unknown"]


async def test_a_medium_that_raises_for_ever_ends_with_its_retries(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = Broken(OverflowError("too large"), for_ever=True)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await put(floor, told, "force-for-ever", age=timedelta(seconds=sum(URGENT.delays)))
        await floor.until(delivery.id, "failed")
        said = await floor.said(told.subject)
    assert (said[-1]["type"], said[-1]["data"]["reason"]) == ("duty.failed.v1", "retries-spent")
    assert len(medium.sent) == 1
