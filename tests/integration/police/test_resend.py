"""Notices sent again, connections tried, old deliveries forgotten: all through the one loop that sends."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from services.platform.delivery.queue.repository import Chosen, channel_of, replay
from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.police.notices.sender import lane_of, put_test
from services.safeguarding.duty.duties import DutySendAgain
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.in_process.disposal import sweep
from tests.support.in_process.police import Police, answer, police_of
from tests.support.outside.desk import status
from tests.support.tables import attempts, deliveries


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def again(police: Police, chosen: Chosen) -> int:
    """The service is told, as the command tells it."""
    async with police.floor.store.transaction() as uow:
        uow.notify(channel_of("police"))
        return len(await replay(uow, chosen, datetime.now(UTC)))


def arrivals(police: Police, told: Any) -> list[Any]:
    return [each for each in police.desk.received if each.id == str(told.content.telling)]


async def test_one_notice_goes_again_with_the_same_bytes_and_id(police: Police) -> None:
    told, _ = await police.notice()
    other, _ = await police.notice(child="C2")
    assert await again(police, Chosen(delivery=told.content.telling)) == 1
    await eventually(lambda: len(arrivals(police, told)) == 2)
    first, second = arrivals(police, told)
    assert first.body == second.body
    assert second.verified
    assert len(arrivals(police, other)) == 1


async def test_all_of_a_force_or_a_range_go_again(police: Police) -> None:
    tellings = [(await police.notice(child=child))[0] for child in ("C1", "C2", "C11")]
    lane = lane_of(police.force)
    since = (await police.floor.row(tellings[1].content.telling))["created_at"]
    assert await again(police, Chosen(lane=lane, since=since)) == 2
    await eventually(lambda: [len(arrivals(police, each)) for each in tellings] == [1, 2, 2])
    for told in tellings:
        await police.floor.until(told.content.telling, "accepted")
    assert await again(police, Chosen(lane=lane, until=datetime.now(UTC))) == 3


async def test_those_of_a_range_wait_in_the_order_in_which_they_were_put(police: Police) -> None:
    """A return that went before its report would leave a child missing who is back."""
    wordings = (
        Wording("missing-notice"),
        Wording("missing-update"),
        Wording("located-notice"),
        Wording("returned-notice"),
    )
    tellings = [(await police.notice(wording=each))[0].content.telling for each in wordings * 2]
    async with police.floor.store.transaction() as uow:
        again = await replay(uow, Chosen(lane=lane_of(police.force)), datetime.now(UTC))
        chosen = select(deliveries.c.id).where(deliveries.c.lane == lane_of(police.force))
        by_turn = (await uow.connection.execute(chosen.order_by(deliveries.c.next_attempt_at))).scalars().all()
        moments = len({delivery.created_at for delivery in again})
    assert by_turn == [delivery.id for delivery in again] == tellings
    assert moments == len(tellings)


async def test_what_was_refused_goes_again_and_what_was_called_back_does_not(police: Police) -> None:
    police.desk.answers = [status(410)]
    refused = await police.tell()
    await police.floor.until(refused.content.telling, "failed")
    withdrawn, _ = await police.notice()
    async with police.floor.store.engine.begin() as connection:
        await connection.execute(
            update(deliveries).where(deliveries.c.id == withdrawn.content.telling).values(state="withdrawn")
        )
    assert await again(police, Chosen(lane=lane_of(police.force))) == 1
    await police.floor.until(refused.content.telling, "accepted")


async def asked_for_again(police: Police, told: Any) -> tuple[str, dict[str, Any]]:
    """Its id, and its body."""
    duty, before = told.content, len(police.desk.received)
    content = DutySendAgain(duty=duty.duty, step=duty.step, authority=duty.authority, asked=uuid4())
    order = Received("/safe-return/console", str(uuid4()), told.subject, police.floor.clocks.story(), content)
    async with police.floor.store.transaction() as uow:
        await police.floor.loop.send_again(order, uow)
    await eventually(lambda: len(police.desk.received) > before)
    arrived = police.desk.received[-1]
    return arrived.id, json.loads(arrived.body)


async def test_a_notice_that_a_person_sends_again_is_a_new_one_by_its_header_and_by_its_body(police: Police) -> None:
    """Whichever of the two a force keeps apart by, it is not dropped as one that is known."""
    told, first = await police.notice()
    name, second = await asked_for_again(police, told)
    assert first["data"]["notice"] == str(told.content.telling)
    assert second["data"]["notice"] == name != first["data"]["notice"]
    assert second["data"]["episode"] == first["data"]["episode"]


@pytest.mark.parametrize("answered", ["the first", "the one sent again"])
async def test_an_answer_to_either_is_an_answer(police: Police, answered: str) -> None:
    told, _ = await police.notice()
    name, body = await asked_for_again(police, told)
    named = {} if answered == "the first" else {"notice": body["data"]["notice"]}
    assert (await police.reply(answer(told, **named))).status_code == 202
    for delivery in (told.content.telling, UUID(name)):
        await police.floor.until(delivery, "acknowledged")
    [acknowledged] = await police.said_since(told, ("duty.acknowledged",))
    assert acknowledged["data"]["duty"] == str(told.content.duty)


@pytest.mark.parametrize("about", [{}, {"delivery": UUID(int=1), "lane": "force-x"}])
def test_one_or_a_lane_has_to_be_named(about: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has to be named"):
        Chosen(**about)


async def tested(police: Police) -> UUID:
    async with police.floor.store.transaction() as uow:
        return (await put_test(uow, police.keyring, police.force, datetime.now(UTC))).id


async def test_a_test_is_signed_is_about_nobody_and_says_nothing_on_the_bus(police: Police) -> None:
    test = await tested(police)
    await police.floor.until(test, "accepted")
    [arrived] = [each for each in police.desk.received if each.id == str(test)]
    body = json.loads(arrived.body)
    assert arrived.verified
    assert body["type"] == "connection.test"
    assert body["data"]["child"] is None
    assert body["data"]["exercise"] is True
    assert await police.floor.said(f"force-{police.force}") == []


async def test_a_test_may_be_acknowledged_as_a_notice_is(police: Police) -> None:
    test = await tested(police)
    await police.floor.until(test, "accepted")
    reply = {
        "type": "police.acknowledged",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"notice": str(test), "officer": {"name": "PC Adeyemi", "collar_number": "NP 1"}},
    }
    assert (await police.reply(reply)).status_code == 202
    await police.floor.until(test, "acknowledged")


async def old(police: Police, delivery: UUID) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=500)
    async with police.floor.store.engine.begin() as connection:
        chosen = update(deliveries).where(deliveries.c.id == delivery)
        await connection.execute(chosen.values(created_at=long_ago, changed_at=long_ago))


async def count(police: Police, table: Any, column: Any, delivery: UUID) -> int:
    async with police.floor.store.engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(table).where(column == delivery)) or 0


async def test_old_deliveries_go_with_their_attempts_and_those_of_a_missing_child_stay(police: Police) -> None:
    over, _ = await police.notice()
    missing, _ = await police.notice(child="C2")
    recent, _ = await police.notice(child="C11")
    async with police.floor.store.engine.begin() as connection:
        ended = text("UPDATE police.episodes SET state = 'returned' WHERE episode = :episode")
        await connection.execute(ended, {"episode": over.content.episode})
    for told in (over, missing):
        await old(police, told.content.telling)
    await sweep(police.floor.store, "police")
    left = [await count(police, deliveries, deliveries.c.id, each.content.telling) for each in (over, missing, recent)]
    assert left == [0, 1, 1]
    assert await count(police, attempts, attempts.c.delivery, over.content.telling) == 0
    assert await count(police, attempts, attempts.c.delivery, missing.content.telling) == 1


async def test_what_waits_to_be_sent_is_never_forgotten(police: Police) -> None:
    police.desk.answers = [status(503, retry_after="60")]
    waiting = await police.tell()
    await eventually(lambda: bool(arrivals(police, waiting)))
    await police.floor.until(waiting.content.telling, "waiting")
    await old(police, waiting.content.telling)
    await sweep(police.floor.store, "police")
    assert await count(police, deliveries, deliveries.c.id, waiting.content.telling) == 1
