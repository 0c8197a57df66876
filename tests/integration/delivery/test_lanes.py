"""Lanes on a real PostgreSQL: a destination that hangs or fails delays no other, and is never switched off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import Delivery, MediumName, PreparedMessage
from services.platform.delivery.queue import leases
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.sending import attempt
from services.platform.delivery.sending.dispatcher import FAILING_AFTER
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring, KeyServiceAway
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from tests.support.engines.database import Database
from tests.support.in_process.delivery import (
    ACCEPTED,
    LATER,
    Floor,
    PlayedMedium,
    all_withdrawn,
    eventually,
    received,
    running_floor,
)
from tests.support.tables import deliveries as table


@dataclass
class ManyDestinations:
    """Hangs, fails or takes by destination: the lane's name."""

    hangs: set[str] = field(default_factory=set)
    fails: set[str] = field(default_factory=set)
    breaks_on: set[str] = field(default_factory=set)
    """Bodies that their destination cannot stomach."""
    sent: list[tuple[datetime, SendRequest]] = field(default_factory=list)
    name: MediumName = "webhook"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append((Clocks().wall(), sending))
        if sending.recipient in self.hangs:
            await asyncio.sleep(600)
            return LATER
        if sending.recipient in self.fails or sending.body in self.breaks_on:
            return LATER
        return ACCEPTED


async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
    return PreparedMessage(delivery.lane, str(delivery.id))


class KeyAway:
    """Of what is prepared in `owners`, until it is back."""

    def __init__(self) -> None:
        self.owners: set[str] = set()

    async def __call__(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage:
        if delivery.child in self.owners:
            raise KeyServiceAway
        return await prepare(uow, delivery)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


async def taken_after(floor: Floor, lane: str) -> float:
    """Seconds."""
    started = asyncio.get_running_loop().time()
    delivery = await floor.put(received(), lane)
    await floor.until(delivery.id, "accepted")
    return asyncio.get_running_loop().time() - started


async def test_a_force_that_hangs_delays_no_other(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = ManyDestinations(hangs={"force-hangs"})
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        usual = max([await taken_after(floor, "force-well") for _ in range(5)])
        for _ in range(60):
            await floor.put(received(), "force-hangs")
        waits = [await taken_after(floor, "force-well") for _ in range(30)]
    assert sorted(waits)[-3] < 0.5 + 3 * usual
    assert sum(sending.recipient == "force-hangs" for _, sending in medium.sent) <= 8


async def test_a_failing_force_is_tried_one_at_a_time_and_gets_everything_once_it_answers(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = ManyDestinations(fails={"force-down"})
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        parcels = [await floor.put(received(), "force-down") for _ in range(25)]
        await eventually(floor.loop._dispatcher.lanes.failing)
        await asyncio.sleep(4)
        tried = len(medium.sent)
        medium.fails.clear()
        for delivery in parcels:
            await floor.until(delivery.id, "accepted")
    assert FAILING_AFTER <= tried < 25 * 3
    assert len(medium.sent) <= tried + 25 + 8


async def test_a_new_notice_to_a_failing_force_is_tried_at_once(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = ManyDestinations(fails={"force-down"})
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        for _ in range(12):
            await floor.put(received(), "force-down")
        await eventually(floor.loop._dispatcher.lanes.failing)
        await floor.idle()
        tried = [sending.id for _, sending in medium.sent]
        delivery = await floor.put(received(), "force-down")
        await eventually(lambda: delivery.id in {sending.id for _, sending in medium.sent})
    then = [sending.id for _, sending in medium.sent[len(tried) :]]
    assert len(set(then[: then.index(delivery.id)]) & set(tried)) <= 2, (
        "it waits for no second turn but those that had come"
    )


async def test_a_notice_that_its_force_cannot_stomach_does_not_keep_the_others_from_it(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = ManyDestinations()
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        poison = received()
        medium.breaks_on.add(str(poison.content.telling))
        medium.fails.add("force-odd")
        await floor.put(poison, "force-odd")
        others = [await floor.put(received(), "force-odd") for _ in range(8)]
        await eventually(floor.loop._dispatcher.lanes.failing)
        medium.fails.clear()
        for delivery in others:
            await floor.until(delivery.id, "accepted")
        assert (await floor.row(poison.content.telling))["state"] == "waiting"


async def test_an_urgent_notice_waits_behind_none_that_are_not(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(delay_seconds=0.1)
    async with running_floor(engine, keyring, medium, at_once=2) as floor:
        for _ in range(60):
            await floor.put(received(urgent=False), "force-busy")
        begun = len(medium.sent)
        urgent = await floor.put(received(), "force-busy")
        await floor.until(urgent.id, "accepted")
    place = [sending.id for sending in medium.sent].index(urgent.id)
    assert place - begun <= 2 * 2


LOOKED_EVERY_SECONDS = 0.02
"""By `Floor.until`."""


@dataclass
class SlowForRoutine(PlayedMedium):
    """Takes what is urgent at once."""

    async def send(self, sending: SendRequest) -> SendResult:
        if not sending.urgent:
            return await super().send(sending)
        self.sent.append(sending)
        return ACCEPTED


async def test_an_urgent_text_behind_two_hundred_that_hang_takes_at_most_three_times_as_long(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    """Places are kept for it, whether this process has put it or finds it in the table. The best of several: other work disturbs some."""
    released = asyncio.Event()
    medium = SlowForRoutine(released=released)
    async with running_floor(engine, keyring, medium, at_once=16) as floor:
        usual = min([await taken_after(floor, "texts") for _ in range(5)])
        for _ in range(200):
            await floor.put(received(urgent=False), "texts")
        behind = min([await taken_after(floor, "texts") for _ in range(5)])
        left = Delivery.of(received(), lane="texts", now=floor.clocks.wall())
        async with floor.store.transaction() as uow:
            await deliveries.put(uow, "police", left, keyring, None)
        floor.loop._sweep.wake()
        await floor.until(left.id, "accepted")
        assert not any(sending.urgent for sending in medium.sent[5:17]), "they hung before it came"
        released.set()
    assert behind <= 3 * (usual + LOOKED_EVERY_SECONDS)


async def test_of_a_failing_lane_an_urgent_text_is_tried_before_those_that_are_not(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    store, now = Store(engine, origin=Origin("police", Clocks())), Clocks().wall()
    parcels = [
        Delivery.of(received(urgent=place == 2), lane="force-behind", now=now - timedelta(seconds=3 - place))
        for place in range(3)
    ]
    lease = deliveries.Lease("police-0", now + timedelta(minutes=2))
    async with store.transaction() as uow:
        for delivery in parcels:
            await deliveries.put(uow, "police", delivery, keyring, None)
        claimed = await leases.one_of_lane(uow.connection, lease, "force-behind", now=now, untried=True)
    assert claimed is not None
    assert claimed.delivery.id == parcels[-1].id


async def test_an_urgent_notice_that_another_process_left_is_claimed_before_all_that_are_not(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    store, now = Store(engine, origin=Origin("police", Clocks())), Clocks().wall()
    told = [*(received(urgent=False) for _ in range(40)), received()]
    parcels = [
        Delivery.of(each, lane="force-left", now=now + timedelta(seconds=place)) for place, each in enumerate(told)
    ]
    async with store.transaction() as uow:
        for delivery in parcels:
            await deliveries.put(uow, "police", delivery, keyring, None)
        lease, later = deliveries.Lease("police-0", now + timedelta(minutes=2)), now + timedelta(minutes=1)
        claimed = await leases.due(uow.connection, lease, now=later, passed_over=[], most=3)
    assert {hand.delivery.id for hand in claimed} == {delivery.id for delivery in (parcels[-1], *parcels[:2])}


async def test_of_a_failing_lane_one_is_claimed_and_the_others_stay_free(engine: AsyncEngine, keyring: Keyring) -> None:
    store, now = Store(engine, origin=Origin("police", Clocks())), Clocks().wall()
    lease = deliveries.Lease("police-0", now + timedelta(minutes=2))
    async with store.transaction() as uow:
        for _ in range(12):
            waiting = Delivery.of(received(), lane="force-failing", now=now)
            await deliveries.put(uow, "police", waiting, keyring, None)
    async with store.transaction() as uow:
        await leases.one_of_lane(uow.connection, lease, "force-failing", now=now, untried=True)
    async with engine.connect() as connection:
        leased = select(func.count()).where(table.c.lane == "force-failing", table.c.lease_owner.is_not(None))
        assert await connection.scalar(leased) == 1


@pytest.mark.parametrize("failing", [False, True])
async def test_what_waits_for_a_key_holds_no_place_of_its_lane_and_goes_once_the_key_is_there(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch, *, failing: bool
) -> None:
    monkeypatch.setattr(attempt, "KEY_AWAY_FOR_URGENT", timedelta(seconds=0.5))
    medium, keys = ManyDestinations(fails={"force-a"} if failing else set()), KeyAway()
    async with running_floor(engine, keyring, medium, prepare=keys, at_once=1) as floor:
        told = [received() for _ in range(2 + FAILING_AFTER)]
        keys.owners.update(each.subject for each in told[:2])
        without, others = [[await floor.put(each, "force-a") for each in several] for several in (told[:2], told[2:])]
        if failing:
            await eventually(floor.loop._dispatcher.lanes.failing)
            medium.fails.clear()
        for each in others:
            await floor.until(each.id, "accepted")
        assert floor.loop.obstacle() == "KeyServiceAway"
        keys.owners.clear()
        assert [(await floor.until(each.id, "accepted"))["attempts"] for each in without] == [1, 1]


async def test_our_own_relay_fails_and_not_a_force(engine: AsyncEngine, keyring: Keyring) -> None:
    """A force without an API has its lane too, and its notices go by our relay."""

    async def addressed(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
        recipient = "mailto:desk@police.example" if delivery.lane == "force-by-mail" else delivery.lane
        return PreparedMessage(recipient, str(delivery.id))

    relay = PlayedMedium(otherwise=LATER, name="email")
    async with running_floor(engine, keyring, ManyDestinations(), prepare=addressed, others=[relay]) as floor:
        for _ in range(FAILING_AFTER):
            await floor.put(received(), "force-by-mail")
        await taken_after(floor, "force-by-api")
        await eventually(floor.loop._dispatcher.lanes.failing)
        await floor.loop._measure()
    shown = {
        each: REGISTRY.get_sample_value("delivery_lanes_failing", {"medium": each}) for each in ("email", "webhook")
    }
    assert shown == {"email": 1, "webhook": 0}
