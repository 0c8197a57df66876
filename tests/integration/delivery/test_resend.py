"""A telling that an operator has sent again: once an act, prepared anew, to whom it was for. On a real PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.identifiers import derived, new_id
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, PlayedMedium, no_leftovers, received, running_floor

GONE = SendResult(AttemptResult.REFUSED, 410, reason="gone")


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    opened = database.engine("police")
    async with no_leftovers(opened):
        yield opened
    await opened.dispose()


async def ask(floor: Floor, told: Received[Any], asked: UUID) -> None:
    content = DutySendAgain(duty=told.content.duty, step=told.content.step, authority="kestrel", asked=asked)
    order = Received("/safe-return/console", str(asked), told.subject, floor.clocks.story(), content)
    async with floor.store.transaction() as uow:
        await floor.loop.send_again(order, uow)


def name_of(first: UUID, asked: UUID) -> UUID:
    return derived("sent again", str(first), str(asked))


async def test_what_had_failed_goes_to_where_its_recipient_is_now_and_its_acceptance_counts_for_the_duty(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    places = iter(["https://old.force.example/", "https://new.force.example/"])

    async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
        return PreparedMessage(next(places), "notice")

    medium, asked = PlayedMedium(answers=[GONE]), uuid4()
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        told = received()
        first = await floor.put(told, "force-again-a")
        await floor.until(first.id, "failed")
        await ask(floor, told, asked)
        await floor.until(name_of(first.id, asked), "accepted")
        said = await floor.said(told.subject)
    assert [each.recipient for each in medium.sent] == ["https://old.force.example/", "https://new.force.example/"]
    assert said[-1]["type"] == "duty.accepted.v1"
    assert said[-1]["data"]["duty"] == str(told.content.duty)


async def test_asked_for_twice_under_one_act_it_is_sent_once_and_under_another_once_more(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, first_act, second_act = PlayedMedium(), uuid4(), uuid4()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        first = await floor.put(told, "force-again-b")
        await floor.until(first.id, "accepted")
        for act in (first_act, first_act, second_act):
            await ask(floor, told, act)
        await floor.until(name_of(first.id, first_act), "accepted")
        await floor.until(name_of(first.id, second_act), "accepted")
    assert len(medium.sent) == 3


async def test_nothing_that_was_withdrawn_is_sent_again(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        first = await floor.put(told, "force-again-c")
        await floor.until(first.id, "accepted")
        await floor.withdraw(told)
        await ask(floor, told, uuid4())
        other = await floor.put(received(), "force-again-c")
        await floor.until(other.id, "accepted")
    assert [each.id for each in medium.sent] == [first.id, other.id]


async def test_a_service_that_sent_nothing_for_it_sends_nothing(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        await ask(floor, received(child=new_id("child")), uuid4())
        other = await floor.put(received(), "force-again-d")
        await floor.until(other.id, "accepted")
    assert [each.id for each in medium.sent] == [other.id]
