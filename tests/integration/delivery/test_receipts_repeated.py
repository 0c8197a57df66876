"""What is reported again of a text that has ended rings nobody twice and fails nothing that is under way. On a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import Delivery
from services.platform.delivery.sms_status.receipts import AFTER, Receipts, Report, VoiceFallback
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.in_process.delivery import Floor, PlayedMedium, all_withdrawn, eventually, received, running_floor
from tests.support.tables import deliveries

SERVICE = "professionals"
UNDER_WAY_SECONDS = 0.5
UNREACHABLE, UNKNOWN_ERROR, OPTED_OUT = 30003, 30008, 21610
"""Cured by a call, passing by itself, neither."""
LOST = SendResult(AttemptResult.UNKNOWN)


def took(sid: str) -> SendResult:
    return SendResult(AttemptResult.ACCEPTED, 201, provider_id=sid, medium="voice" if sid.startswith("CA") else None)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, SERVICE) as opened:
        yield opened


def texting(*answers: SendResult) -> PlayedMedium:
    return PlayedMedium(answers=list(answers), delay_seconds=UNDER_WAY_SECONDS, name="text")


def to_text() -> Received[ProfessionalNotify]:
    return received(ProfessionalNotify, role=Role.DUTY_WORKER, channel=Channel.TEXT)


async def hear(floor: Floor, delivery: Delivery, sid: str, status: str, code: int | None = None) -> None:
    report = Report(delivery.id, sid, status, code, of_call=sid.startswith("CA"))
    await Receipts(SERVICE, floor.store, floor.clocks).take(report)


@pytest.mark.parametrize("code", [UNREACHABLE, UNKNOWN_ERROR, OPTED_OUT])
async def test_while_the_call_is_placed_that_reads_a_text_out_the_text_s_own_reports_count_no_more(
    engine: AsyncEngine, keyring: Keyring, code: int
) -> None:
    medium, duty = texting(took("SM1"), took("CA1"), took("CA2")), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await floor.until(delivery.id, "accepted")
        await hear(floor, delivery, "SM1", "undelivered", UNREACHABLE)
        await eventually(lambda: len(medium.sent) == 2)
        await hear(floor, delivery, "SM1", "undelivered", code)
        assert (await floor.row(delivery.id))["state"] == "sending"
        row = await floor.until(delivery.id, "accepted")
        await hear(floor, delivery, "SM1", "undelivered", code)
        assert (await floor.row(delivery.id))["state"] == "accepted"
        assert "duty.failed.v1" not in await floor.kinds_said(duty.subject)
    assert (row["provider_id"], len(medium.sent)) == ("CA1", 2)


async def test_while_a_text_is_sent_once_more_the_first_one_s_failure_counts_no_more(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, duty = texting(took("SM1"), took("SM2"), took("SM3")), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await floor.until(delivery.id, "accepted")
        await hear(floor, delivery, "SM1", "undelivered", UNKNOWN_ERROR)
        await eventually(lambda: len(medium.sent) == 2)
        await hear(floor, delivery, "SM1", "undelivered", UNKNOWN_ERROR)
        row = await floor.until(delivery.id, "accepted")
    assert (row["provider_id"], len(medium.sent)) == ("SM2", 2)


async def test_where_the_second_answer_was_lost_its_own_report_alone_tells_what_became_of_it(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, duty = texting(took("SM1"), LOST), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await floor.until(delivery.id, "accepted")
        await hear(floor, delivery, "SM1", "undelivered", UNKNOWN_ERROR)
        await floor.until(delivery.id, "unknown")
        for status in ("sent", "undelivered"):
            await hear(floor, delivery, "SM1", status, UNKNOWN_ERROR)
        assert (await floor.row(delivery.id))["state"] == "unknown"
        await hear(floor, delivery, "SM2", "sent")
        row = await floor.row(delivery.id)
    assert (row["state"], row["provider_id"]) == ("accepted", "SM2")


async def test_a_report_that_overtakes_its_own_answer_counts(engine: AsyncEngine, keyring: Keyring) -> None:
    medium, duty = texting(took("SM1"), took("CA1")), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await eventually(lambda: len(medium.sent) == 1)
        await hear(floor, delivery, "SM1", "undelivered", UNREACHABLE)
        await eventually(lambda: len(medium.sent) == 2)
        await hear(floor, delivery, "CA1", "completed")
        assert (await floor.row(delivery.id))["state"] == "delivered"
        await eventually(lambda: medium.at_once == 0)
        await hear(floor, delivery, "SM1", "undelivered", UNREACHABLE)
        row = await floor.row(delivery.id)
    assert (row["state"], row["by_voice"], len(medium.sent)) == ("delivered", True, 2)


async def test_a_call_that_a_refused_text_became_at_once_is_reported_on(engine: AsyncEngine, keyring: Keyring) -> None:
    """Nobody has said then that it is to be read out: text and call were one attempt."""
    medium, duty = texting(took("CA1")), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await floor.until(delivery.id, "accepted")
        await hear(floor, delivery, "CA1", "no-answer")
        await floor.until(delivery.id, "failed")


async def test_what_is_heard_late_of_a_silent_text_does_not_disturb_the_call(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, duty = texting(took("SM1"), took("CA1")), to_text()
    async with running_floor(engine, keyring, medium, service=SERVICE) as floor:
        delivery = await floor.put(duty, LANE)
        await floor.until(delivery.id, "accepted")
        async with engine.begin() as connection:
            long_ago = floor.clocks.wall() - AFTER - timedelta(seconds=1)
            chosen = update(deliveries).where(deliveries.c.id == delivery.id)
            await connection.execute(chosen.values(changed_at=long_ago))
        await VoiceFallback(SERVICE, floor.store, floor.clocks).turn()
        await eventually(lambda: len(medium.sent) == 2)
        await hear(floor, delivery, "SM1", "undelivered", OPTED_OUT)
        row = await floor.until(delivery.id, "accepted")
        assert "duty.failed.v1" not in await floor.kinds_said(duty.subject)
    assert (row["provider_id"], len(medium.sent)) == ("CA1", 2)
