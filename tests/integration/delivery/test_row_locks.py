"""Whoever changes several deliveries in one transaction locks their rows in one order: else each of two may hold what the
other waits for, until PostgreSQL ends one of them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.options.polled_forces import polled
from services.platform.bus.message_processor import MessageProcessor, Prefetch, Subscription
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.delivery.channels.channel import ChannelRegistry
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.queue import leases, repository
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.queue.repository import Chosen, lock_stopped, replay
from services.platform.delivery.sending.attempt import AttemptStarter, StartedAttempt, no_secrets
from services.platform.delivery.sending.results import AttemptOutcome, ResultWriter
from services.platform.delivery.sms_status.receipts import AFTER, VoiceFallback
from services.platform.messages.envelope import Raw, Received
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import PoliceNotify
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from tests.support.engines.database import LOCK_TIMEOUT_SECONDS, Database
from tests.support.in_process.delivery import (
    ACCEPTED,
    LOCKED,
    REFUSED,
    Floor,
    PlayedMedium,
    all_withdrawn,
    received,
    running_floor,
    sending,
    waits_without_holding,
)
from tests.support.signatures import SPEAKERS, say
from tests.support.tables import deliveries

OWNER = "a process"
FORCE = "northmoor-police"
OFFERED = "INSERT INTO police.offered (delivery, force, offered_at) VALUES (:delivery, :force, :now)"


class Pair(NamedTuple):
    """Two deliveries: `high` was put first, its child comes first, and its id is the greater one."""

    low: Delivery
    high: Delivery
    told: tuple[Received[Any], Received[Any]]

    @property
    def ids(self) -> list[UUID]:
        return [self.high.id, self.low.id]


Act: TypeAlias = Callable[[Floor, Pair], Coroutine[Any, Any, None]]


async def a_page_answers(floor: Floor, pair: Pair) -> None:
    async with floor.store.transaction() as uow:
        await repository.lock_all(uow, pair.ids)


async def a_key_is_pressed_in_a_call(floor: Floor, pair: Pair) -> None:
    async with floor.store.transaction() as uow:
        await repository.lock(uow, pair.high.id)


async def people_answer(floor: Floor, pair: Pair) -> None:
    async with floor.store.transaction() as uow:
        for each in pair.told:
            await floor.loop.acknowledged(uow, each.content.duty, each.content.step)


async def withdrawals_come(floor: Floor, pair: Pair) -> None:
    """As of a mass return: one child's after another's."""

    async def on_police_notify(told: Received[PoliceNotify], uow: UnitOfWork) -> None:
        await floor.loop.withdraw(uow, told)

    class Published:
        async def wait_published(self, _: Any) -> None: ...

    subscriptions = [Subscription(PoliceNotify, on_police_notify)]
    prefetch, relay = Prefetch(lock_stopped), cast("OutboxRelay", Published())
    processor = MessageProcessor(
        "police", floor.store, relay, floor.clocks, SPEAKERS, subscriptions, prefetch=prefetch, most_bundles=8
    )
    raws = [
        Raw(
            say(told.content.model_copy(update={"act": "withdraw"}), subject=told.subject, at=told.time),
            Topic.DUTIES,
            f"duties/0/{uuid4().int}",
        )
        for told in pair.told
    ]
    assert await processor.process_batch(raws) == 2


async def attempts_begin(floor: Floor, pair: Pair) -> None:
    """One is closed at once, the other marked with the commit."""

    async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        return Undeliverable("nobody-in-role") if delivery == pair.high else PreparedMessage("a desk", "a notice")

    channels = ChannelRegistry(PlayedMedium(), ())
    starter = AttemptStarter(OWNER, floor.store, floor.clocks, floor.keyring, channels, prepare, no_secrets)
    await asyncio.gather(*(starter.start(LeasedDelivery(each)) for each in (pair.low, pair.high)))


async def attempts_end(floor: Floor, pair: Pair) -> None:
    """The refusal is written at once, the acceptance with the commit."""
    writer = ResultWriter("police", OWNER, floor.store, floor.keyring, ChannelRegistry(PlayedMedium(), ()))
    now, message = floor.clocks.wall(), PreparedMessage("a desk", "a notice")
    outcomes = [
        AttemptOutcome(LeasedDelivery(each), StartedAttempt(sending("a desk", id=each.id), message), result, 5, now)
        for each, result in ((pair.low, ACCEPTED), (pair.high, REFUSED))
    ]
    await asyncio.gather(*(writer.write(each, alone=False) for each in outcomes))


async def an_operator_sends_them_again(floor: Floor, pair: Pair) -> None:
    async with floor.store.transaction() as uow:
        again = await replay(uow, Chosen(lane=pair.low.lane), floor.clocks.wall())
    assert [each.id for each in again] == pair.ids, "in the order in which they were put"


async def a_force_comes_for_more(floor: Floor, pair: Pair) -> None:
    about = {"force": FORCE, "now": floor.clocks.wall()}
    async with floor.store.transaction() as uow:
        for each in pair.ids:
            await uow.connection.execute(text(OFFERED), about | {"delivery": each})
    async with floor.store.transaction() as uow:
        given = await uow.fetch(Query("SELECT max(position) FROM police.offered", {}, scalar))
        await polled.offer(uow, floor.keyring, FORCE, pair.low.lane, given, floor.clocks.wall())


TAKEN = {"state": "accepted", "body": b"a body", "lane": LANE}
CASES: list[tuple[Act, dict[str, Any]]] = [
    (a_page_answers, {}),
    (a_key_is_pressed_in_a_call, {}),
    (people_answer, {}),
    (withdrawals_come, {}),
    (attempts_begin, {"lease_owner": OWNER}),
    (attempts_end, {"lease_owner": OWNER, "state": "sending", "attempts": 1}),
    (an_operator_sends_them_again, TAKEN),
    (a_force_comes_for_more, {"state": "sending"}),
]


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


async def put_pair(floor: Floor, values: dict[str, Any], *, of_one_telling: bool) -> Pair:
    told = tuple(received(child=child) for child in sorted(new_id("child") for _ in "ab"))
    told = (told[0],) * 2 if of_one_telling else told
    now, lane = floor.clocks.wall(), values.get("lane", f"force-{uuid4()}")
    low, high = sorted(uuid4() for _ in told)
    told_at = ((told[0], high, now - timedelta(seconds=1)), (told[1], low, now))
    put = [Delivery.of(each, lane=lane, now=at, id=name) for each, name, at in told_at]
    async with floor.store.transaction() as uow:
        for each in put:
            await repository.put(uow, "police", replace(each, held_for=timedelta(hours=1)), floor.keyring, None)
            row = {"changed_at": now - 2 * AFTER, "lease_until": now + timedelta(hours=1)} | values
            await uow.connection.execute(update(deliveries).where(deliveries.c.id == each.id).values(row))
    return Pair(put[1], put[0], cast("Any", told))


@pytest.mark.parametrize(("act", "values"), CASES, ids=[act.__name__ for act, _ in CASES])
async def test_rows_are_locked_in_one_order_whoever_asks(
    engine: AsyncEngine, keyring: Keyring, act: Act, values: dict[str, Any]
) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        pair = await put_pair(floor, values, of_one_telling=act is a_key_is_pressed_in_a_call)
        await waits_without_holding(floor.store, pair.low.id, pair.high.id, partial(act, floor, pair))


async def a_process_gives_them_back(floor: Floor, _: Pair) -> None:
    async with floor.store.transaction() as uow:
        assert await leases.release(uow.connection, OWNER)


async def their_lane_answers_again(floor: Floor, pair: Pair) -> None:
    async with floor.store.transaction() as uow:
        await leases.bring_forward(uow.connection, pair.low.lane, pair.low.created_at)


async def nothing_is_heard_of_them(floor: Floor, _: Pair) -> None:
    await VoiceFallback("police", floor.store, floor.clocks).turn()


@pytest.mark.parametrize(
    ("act", "values", "changed"),
    [
        (a_process_gives_them_back, {"lease_owner": OWNER}, "lease_owner"),
        (their_lane_answers_again, {"lease_owner": OWNER}, "next_attempt_at"),
        (nothing_is_heard_of_them, TAKEN, "by_voice"),
    ],
    ids=["a process gives them back", "their lane answers again", "nothing is heard of them"],
)
async def test_a_row_that_stays_locked_keeps_the_others_waiting_for_no_moment(
    engine: AsyncEngine, keyring: Keyring, act: Act, values: dict[str, Any], changed: str
) -> None:
    """Whoever waited for it would hold the others meanwhile, whose sends then fail."""
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        pair = await put_pair(floor, values, of_one_telling=False)
        before = {each: await floor.row(each) for each in pair.ids}
        async with floor.store.transaction() as other:
            await repository.lock_all(other, [pair.low.id])
            async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
                await act(floor, pair)
        assert (await floor.row(pair.low.id))[changed] == before[pair.low.id][changed]
        assert (await floor.row(pair.high.id))[changed] != before[pair.high.id][changed]


async def until_read_out(floor: Floor, text_id: UUID) -> None:
    async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
        while not (await floor.row(text_id))["by_voice"]:  # noqa: ASYNC110 the sweep changes it
            await asyncio.sleep(0.02)


async def test_a_silent_text_that_was_locked_is_read_out_soon_after(engine: AsyncEngine, keyring: Keyring) -> None:
    """Before the sweep that would come anyway."""
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        pair = await put_pair(floor, TAKEN, of_one_telling=False)
        sweep = VoiceFallback("police", floor.store, floor.clocks).sweep
        async with floor.store.transaction() as other:
            await repository.lock_all(other, [pair.low.id])
            await sweep.start()
            await until_read_out(floor, pair.high.id)
        try:
            await until_read_out(floor, pair.low.id)
        finally:
            await sweep.stop()


@pytest.mark.parametrize(
    ("act", "values"),
    [(an_operator_sends_them_again, TAKEN), (a_force_comes_for_more, {"state": "sending"})],
    ids=["an operator sends them again", "a force comes for more"],
)
async def test_whoever_means_all_rows_waits_briefly_for_one_that_stays_locked(
    engine: AsyncEngine, keyring: Keyring, act: Act, values: dict[str, Any]
) -> None:
    """And changes none then: it is to be asked again."""
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        pair = await put_pair(floor, values, of_one_telling=False)
        async with floor.store.transaction() as other:
            await other.fetch(Query(LOCKED, {"id": pair.high.id}, scalar))
            async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    await act(floor, pair)
        assert {(await floor.row(each))["state"] for each in pair.ids} == {values["state"]}
