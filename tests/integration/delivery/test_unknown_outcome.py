"""What may have arrived, since its answer was lost: whoever may have it hears the all-clear. On a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels import webhook
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.model import Delivery, MediumName, PreparedMessage
from services.platform.delivery.queue import leases
from services.platform.delivery.retry_policy import CALLBACK_PATIENCE
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import PoliceNotify
from tests.support.engines.database import Database
from tests.support.in_process.delivery import (
    LATER,
    REFUSED,
    Floor,
    PlayedMedium,
    all_withdrawn,
    eventually,
    received,
    running_floor,
)
from tests.support.in_process.register import SECRET
from tests.support.outside.desk import Answering, FaultyDesk, faulty_desk, hang, reset
from tests.support.tables import deliveries

LOST = SendResult(AttemptResult.UNKNOWN)
HOUR = timedelta(hours=1)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyDesk]:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 1.0)
    async with faulty_desk(SECRET) as running:
        yield running


async def calls_back(floor: Floor, told: Received[PoliceNotify]) -> None:
    await floor.withdraw(received(duty=told.content.duty, revision=2, act="withdraw", child=told.subject))


async def next_attempt_at(floor: Floor, delivery: Delivery, at: datetime) -> None:
    async with floor.store.engine.begin() as connection:
        chosen = update(deliveries).where(deliveries.c.id == delivery.id)
        await connection.execute(chosen.values(next_attempt_at=at))


@pytest.mark.parametrize(("lost", "when"), [(reset, "before the next attempt"), (hang, "during the attempt")])
async def test_a_force_that_may_have_the_notice_counts_as_told_when_the_child_is_back(
    engine: AsyncEngine, keyring: Keyring, desk: FaultyDesk, lost: Answering, when: str
) -> None:
    async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
        return PreparedMessage(desk.url, '{"type":"missing-notice.new"}', secrets=(SECRET,))

    desk.answers = [lost]
    async with running_floor(engine, keyring, WebhookMedium(sandbox=True), prepare=prepare) as floor:
        told = received()
        delivery = await floor.put(told, "force-lost-a")
        await eventually(lambda: desk.received)
        if when == "before the next attempt":
            await floor.until(delivery.id, "unknown")
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        assert (await floor.kinds_said(told.subject))[-2:] == ["delivery.attempted.v1", "duty.accepted.v1"]
    assert len(desk.received) == 1


async def test_a_force_that_nobody_could_connect_to_does_not(engine: AsyncEngine, keyring: Keyring) -> None:
    async with running_floor(engine, keyring, WebhookMedium(sandbox=True)) as floor:
        told = received()
        delivery = await floor.put(told, "force-lost-b")
        await floor.until(delivery.id, "waiting")
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        await floor.whatever_waits_is_sent()
        assert "duty.accepted.v1" not in await floor.kinds_said(told.subject)


async def test_that_it_may_have_arrived_is_said_at_once_however_late_its_next_attempt_would_be(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = PlayedMedium(answers=[LOST])
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-lost-c")
        await floor.until(delivery.id, "unknown")
        await next_attempt_at(floor, delivery, floor.clocks.wall() + HOUR)
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        assert (await floor.kinds_said(told.subject))[-1] == "duty.accepted.v1"
    assert len(medium.sent) == 1


async def test_so_it_is_where_the_child_is_back_during_the_attempt(engine: AsyncEngine, keyring: Keyring) -> None:
    """An old notice's next attempt would be half an hour away."""
    medium = PlayedMedium(answers=[LOST], delay_seconds=0.5)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = Delivery.of(told, lane="force-lost-d", now=floor.clocks.wall() - HOUR)
        async with floor.store.transaction() as uow:
            await floor.loop.put(uow, delivery)
        await eventually(lambda: medium.sent)
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        assert (await floor.kinds_said(told.subject))[-1] == "duty.accepted.v1"
    assert len(medium.sent) == 1


async def test_what_may_have_arrived_stays_so_though_a_later_attempt_surely_has_not(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = PlayedMedium(answers=[LOST, LATER, LATER], otherwise=SendResult(AttemptResult.RETRY))
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-lost-e")
        async with floor.without_pauses():
            await eventually(lambda: len(medium.sent) >= 3)
        assert [sending.uncertain for sending in medium.sent[:3]] == [False, True, True]
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        assert (await floor.kinds_said(told.subject)).count("duty.accepted.v1") == 1


@pytest.mark.parametrize("answer", [LOST, REFUSED])
async def test_what_may_have_arrived_counts_as_taken_where_it_is_withdrawn_during_a_later_attempt(
    engine: AsyncEngine, keyring: Keyring, answer: SendResult
) -> None:
    medium = PlayedMedium(answers=[LOST, answer], delay_seconds=0.5)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-lost-f")
        async with floor.without_pauses():
            await eventually(lambda: len(medium.sent) == 2)
        await calls_back(floor, told)
        await floor.until(delivery.id, "withdrawn")
        assert (await floor.kinds_said(told.subject))[-1] == "duty.accepted.v1"
    assert len(medium.sent) == 2


PATIENCE: list[tuple[MediumName, timedelta]] = [
    ("webhook", timedelta(0)),
    ("text", CALLBACK_PATIENCE),
    ("email", CALLBACK_PATIENCE),
]


@pytest.mark.parametrize(("name", "patience"), PATIENCE)
async def test_a_text_whose_answer_was_lost_waits_for_its_report_and_a_notice_goes_by_its_schedule(
    engine: AsyncEngine, keyring: Keyring, name: MediumName, patience: timedelta
) -> None:
    async with running_floor(engine, keyring, PlayedMedium(otherwise=LOST, name=name)) as floor:
        delivery = await floor.put(received(), f"force-lost-g-{name}")
        row = await floor.until(delivery.id, "unknown")
    pause = row["next_attempt_at"] - row["changed_at"]
    assert max(patience, timedelta(seconds=1)) <= pause <= max(patience, timedelta(seconds=3))


@pytest.mark.parametrize(("name", "patience"), PATIENCE)
async def test_a_lane_that_answers_again_does_not_wait_for_the_later_turn_of_what_may_have_arrived(
    engine: AsyncEngine, keyring: Keyring, name: MediumName, patience: timedelta
) -> None:
    lane = f"force-lost-h-{name}"
    async with running_floor(engine, keyring, PlayedMedium(otherwise=LOST, name=name)) as floor:
        delivery = await floor.put(received(), lane)
        row = await floor.until(delivery.id, "unknown")
        await next_attempt_at(floor, delivery, floor.clocks.wall() + HOUR)
        async with engine.begin() as connection:
            await leases.bring_forward(connection, lane, row["changed_at"])
        brought = (await floor.row(delivery.id))["next_attempt_at"]
    assert brought == row["changed_at"] + patience
