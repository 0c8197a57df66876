"""Attempts begin together, in one transaction after the one that put their deliveries: its cost, and failures within it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.channels.channel import SendRequest, SendResult
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.queue.repository import supersede
from services.platform.delivery.sending import results
from services.platform.delivery.sending.attempt import DEFECTS_MOST, TRANSACTIONS_AT_ONCE
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from tests.support.engines.database import LOCK_TIMEOUT_SECONDS, Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.delivery import (
    ACCEPTED,
    LATER,
    REFUSED,
    Floor,
    PlayedMedium,
    all_withdrawn,
    eventually,
    prepare,
    received,
    running_floor,
)

NO_TEXT = "a\x00b"
"""PostgreSQL takes it into no column."""
LOCK = "SELECT pg_advisory_xact_lock(4711)"
LOCK_ROW = text("SELECT FROM delivery.deliveries WHERE id = :id FOR UPDATE")
PUT = 1
COMMIT = 1
BEGIN = 2
"""The keys of all; the attempts of all, and COMMIT. (This test's `prepare` asks nothing.)"""
END = 1


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with all_withdrawn(database, "police") as opened:
        yield opened


async def put_together(floor: Floor, *told: Any) -> list[Delivery]:
    """In one transaction, each in a lane of its own."""
    now = floor.clocks.wall()
    put = [Delivery.of(each, lane=f"force-{each.content.telling}", now=now) for each in told]
    async with floor.store.transaction() as uow:
        for each in put:
            assert await floor.loop.put(uow, each)
    return put


async def ends(floor: Floor, deliveries: list[Delivery], state: str = "accepted") -> list[int]:
    """How many attempts each took."""
    return [(await floor.until(each.id, state))["attempts"] for each in deliveries]


class Preparing:
    """Prepares all but the `bad` one, which raises `error`, and remembers the transaction of each."""

    def __init__(self, error: Exception, *, times: int = 1000) -> None:
        self.error, self.times = error, times
        self.bad: Any = None
        self.seen: list[Any] = []
        self.transactions: dict[Any, UnitOfWork] = {}

    async def __call__(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        self.seen.append(delivery.id)
        self.transactions[delivery.id] = uow
        if delivery.id == self.bad and self.times:
            self.times -= 1
            raise self.error
        return await prepare(uow, delivery)


@pytest.mark.parametrize("number", [1, 5])
async def test_deliveries_of_one_transaction_cost_one_to_begin_and_one_to_end(
    engine: AsyncEngine, keyring: Keyring, number: int
) -> None:
    """Where their owners have keys; one that has none gets it, which takes longer."""
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        for _ in range(2):
            await ends(floor, await put_together(floor, *(received(child=told.subject) for _ in range(number))))
        await floor.loop._sweep.stop()
        with round_trips(floor.store.engine) as trips:
            put = await put_together(floor, *(received(child=told.subject) for _ in range(number)))
            await floor.idle()
            count, commits = trips.count, trips.statements.count("COMMIT")
        assert await ends(floor, put) == [1] * number
    assert count == number * PUT + COMMIT + BEGIN + END
    assert commits == 3


async def test_one_that_an_error_of_ours_keeps_from_being_prepared_is_given_up_and_the_others_are_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, preparing, told = PlayedMedium(), Preparing(KeyError("wording")), [received() for _ in range(4)]
    preparing.bad = told[1].content.telling
    async with running_floor(engine, keyring, medium, prepare=preparing) as floor:
        first, bad, *others = await put_together(floor, *told)
        assert await ends(floor, [first, *others]) == [1, 1, 1]
        async with floor.without_pauses():
            await ends(floor, [bad], "failed")
        assert await floor.kinds_said(bad.child) == ["duty.failed.v1"]
        [attempt] = [each["data"] for each in await floor.said(first.child) if "attempted" in each["type"]]
        assert attempt["looked_up"] == ["child.name"], "not of what was rolled back"
    assert preparing.seen.count(bad.id) == 1 + DEFECTS_MOST, "once with the others"
    assert sorted(each.id for each in medium.sent) == sorted(each.id for each in (first, *others))


async def test_attempts_that_failed_elsewhere_are_no_errors_of_ours(engine: AsyncEngine, keyring: Keyring) -> None:
    medium, asked = PlayedMedium(answers=[LATER] * DEFECTS_MOST), 0

    async def secrets(_: UnitOfWork, __: Delivery) -> tuple[None, tuple[str, ...]]:
        nonlocal asked
        asked += 1
        if asked == DEFECTS_MOST:
            raise KeyError("a secret")
        return None, ()

    async with running_floor(engine, keyring, medium, secrets=secrets) as floor, floor.without_pauses():
        delivery = await floor.put(received(), "force-x")
        row = await floor.until(delivery.id, "accepted")
    assert row["attempts"] == len(medium.sent) + 1 == DEFECTS_MOST + 2


async def test_one_that_the_database_refuses_to_prepare_or_to_mark_keeps_no_other_from_being_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    told = [received() for _ in range(4)]

    async def preparing(uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        if delivery.id == told[0].content.telling:
            await uow.connection.execute(text("SELECT no_such_column"))
        if delivery.id == told[2].content.telling:
            return PreparedMessage("https://force.example/notices", "words", person=NO_TEXT)
        return await prepare(uow, delivery)

    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium, prepare=preparing) as floor:
        unprepared, first, unmarked, second = await put_together(floor, *told)
        assert await ends(floor, [first, second]) == [1, 1]
        async with floor.without_pauses():
            await ends(floor, [unprepared, unmarked], "failed")
        assert [await floor.kinds_said(each.child) for each in (unprepared, unmarked)] == [["duty.failed.v1"]] * 2
    assert sorted(each.id for each in medium.sent) == sorted([first.id, second.id])


async def test_one_whose_row_stays_locked_keeps_no_other_waiting(engine: AsyncEngine, keyring: Keyring) -> None:
    medium, preparing = PlayedMedium(), Preparing(LockNotAvailable("canceling statement due to lock timeout"), times=5)
    told = [received() for _ in range(4)]
    preparing.bad = told[3].content.telling
    async with running_floor(engine, keyring, medium, prepare=preparing) as floor:
        *others, bad = await put_together(floor, *told)
        assert await ends(floor, others) == [1, 1, 1]
        assert await ends(floor, [bad]) == [1]
    assert medium.sent[-1].id == bad.id
    assert preparing.seen.count(bad.id) == 6
    assert max(preparing.seen.count(each.id) for each in others) <= 2, "with it, and alone"


@pytest.mark.parametrize("readers", [False, True], ids=["what is read for it", "its readers"])
async def test_one_that_waits_for_a_lock_keeps_no_later_one_waiting(
    engine: AsyncEngine, keyring: Keyring, readers: bool
) -> None:
    medium, told, tries = PlayedMedium(), received(), 0
    bad = told.content.telling

    async def preparing(uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        if not readers:
            for each in locks([delivery]):
                await uow.fetch(each)
        return await prepare(uow, delivery)

    def locks(deliveries: Sequence[Delivery]) -> list[Query[Any]]:
        nonlocal tries
        is_there = bad in {each.id for each in deliveries}
        tries += is_there
        return [Query(LOCK, {}, all_rows)] if is_there else []

    async with running_floor(
        engine, keyring, medium, prepare=preparing, locks=locks if readers else None, at_once=1
    ) as floor:
        async with engine.begin() as other:
            await other.execute(text(LOCK))
            first, later = await put_together(floor, told, received())
            await floor.until(later.id, "accepted", within=LOCK_TIMEOUT_SECONDS)
            for at_try in (2, 3):
                await eventually(lambda: tries >= at_try)  # noqa: B023 awaited here
                later = await floor.put(received(), "sms")
                await floor.until(later.id, "accepted", within=LOCK_TIMEOUT_SECONDS)
            assert bad not in {each.id for each in medium.sent}
        await floor.until(first.id, "accepted", within=30)
    assert [each.id for each in medium.sent].count(bad) == 1


async def test_a_burst_of_one_authority_holds_back_no_mail_of_another(engine: AsyncEngine, keyring: Keyring) -> None:
    """Another process prepares the busy one's mails meanwhile, under its lock."""
    medium, begun = PlayedMedium(), list[set[str | None]]()

    def locks(deliveries: Sequence[Delivery]) -> list[Query[Any]]:
        authorities = {each.authority for each in deliveries}
        if len(deliveries) > 1:
            begun.append(authorities)
        return [Query(LOCK, {}, all_rows)] if "busy" in authorities else [Query("SELECT", {}, all_rows)]

    async with running_floor(engine, keyring, medium, prepare=prepare, locks=locks, at_once=16) as floor:
        transactions = floor.loop._starter._transactions
        async with engine.begin() as other:
            await other.execute(text(LOCK))
            for _ in range(TRANSACTIONS_AT_ONCE):
                await transactions.acquire()
            busy = [received(authority="busy") for _ in range(8)]
            told = [
                each for place in range(40) for each in (busy[place : place + 1], [received(authority=f"a-{place}")])
            ]
            first, *others = await put_together(floor, *(each for several in told for each in several))
            for _ in range(TRANSACTIONS_AT_ONCE):
                transactions.release()
            for each in others:
                if each.authority != "busy":
                    await floor.until(each.id, "accepted", within=1.5)
            assert not any(each.id == first.id for each in medium.sent)
        await floor.until(first.id, "accepted", within=30)
    assert all(len(authorities) == 1 for authorities in begun)


@pytest.mark.parametrize("beside", [0, 1], ids=["alone", "in a batch"])
async def test_one_whose_own_row_is_locked_waits_outside_its_lane(
    engine: AsyncEngine, keyring: Keyring, beside: int
) -> None:
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium, at_once=1) as floor, engine.begin() as other:
        transactions = floor.loop._starter._transactions
        for _ in range(TRANSACTIONS_AT_ONCE):
            await transactions.acquire()
        bad, *others = await put_together(floor, *(received() for _ in range(1 + beside)))
        await other.execute(LOCK_ROW, {"id": bad.id})
        for _ in range(TRANSACTIONS_AT_ONCE):
            transactions.release()
        later = await floor.put(received(), bad.lane)
        for each in (*others, later):
            await floor.until(each.id, "accepted", within=LOCK_TIMEOUT_SECONDS)
        assert bad.id not in {each.id for each in medium.sent}
        await other.rollback()
        await floor.until(bad.id, "accepted", within=30)
    assert [each.id for each in medium.sent].count(bad.id) == 1


async def test_one_whose_own_row_is_locked_keeps_no_other_waiting_when_its_process_comes_back(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    """It takes up what it held: if it waited for that row, it would hold the other's meanwhile."""
    stuck, medium = PlayedMedium(delay_seconds=600), PlayedMedium()
    async with running_floor(engine, keyring, stuck, slot=7) as first:
        low, bad = sorted(await put_together(first, received(), received()), key=lambda each: each.id)
        await eventually(lambda: len(stuck.sent) == 2)
        await first.die()
        async with engine.begin() as other:
            await other.execute(LOCK_ROW, {"id": bad.id})
            async with running_floor(engine, keyring, medium, slot=7) as second:
                await second.until(low.id, "accepted", within=LOCK_TIMEOUT_SECONDS)
    assert [each.id for each in medium.sent] == [low.id]


@pytest.mark.parametrize(("answer", "state"), [(ACCEPTED, "accepted"), (REFUSED, "failed")])
async def test_a_result_whose_row_is_locked_keeps_no_other_waiting(
    engine: AsyncEngine, keyring: Keyring, answer: SendResult, state: str
) -> None:
    medium = PlayedMedium([ACCEPTED, answer], released=asyncio.Event())
    async with running_floor(engine, keyring, medium) as floor:
        bad, beside = await put_together(floor, received(), received())
        for each in (bad, beside):
            await floor.until(each.id, "sending")
        async with engine.begin() as other:
            await other.execute(LOCK_ROW, {"id": bad.id})
            assert medium.released is not None
            medium.released.set()
            await floor.until(beside.id, state, within=LOCK_TIMEOUT_SECONDS)
            for _ in range(3):
                later = await floor.put(received(), "sms")
                await floor.until(later.id, "accepted", within=LOCK_TIMEOUT_SECONDS)
        await floor.until(bad.id, "accepted")
    assert [each.id for each in medium.sent].count(bad.id) == 1


async def test_one_that_is_undeliverable_keeps_no_other_from_being_sent(engine: AsyncEngine, keyring: Keyring) -> None:
    told = [received() for _ in range(3)]

    async def preparing(uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        nobody = delivery.id == told[1].content.telling
        return Undeliverable("nobody-in-role") if nobody else await prepare(uow, delivery)

    async with running_floor(engine, keyring, PlayedMedium(), prepare=preparing) as floor:
        first, undeliverable, second = await put_together(floor, *told)
        await ends(floor, [undeliverable], "failed")
        assert await ends(floor, [first, second]) == [1, 1]
        assert await floor.kinds_said(undeliverable.child) == ["duty.failed.v1"]


async def test_what_is_acknowledged_in_the_transaction_that_puts_it_is_not_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = Delivery.of(told, lane="force-bb", now=floor.clocks.wall())
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, delivery)
            await floor.loop.acknowledged(uow, told.content.duty, 0)
        await floor.whatever_waits_is_sent()
        row = await floor.row(delivery.id)
    assert (row["state"], row["attempts"]) == ("acknowledged", 0)
    assert medium.sent == []


async def test_what_is_superseded_in_the_transaction_that_puts_it_is_not_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        now = floor.clocks.wall()
        newer = received(child=told.subject).content.telling
        older, newest = (
            Delivery.of(told, lane="force-bc", now=now),
            Delivery.of(told, lane="force-bc", now=now, id=newer),
        )
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, older)
            await supersede(uow, "police", told.content, by=newest.id, at=now)
            assert await floor.loop.put(uow, newest)
        await floor.until(newest.id, "accepted")
        await floor.whatever_waits_is_sent()
        assert (await floor.row(older.id))["state"] == "withdrawn"
    assert [each.id for each in medium.sent] == [newest.id]


async def test_what_was_put_in_a_transaction_that_failed_is_sent_once_when_it_is_put_again(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = Delivery.of(told, lane="force-be", now=floor.clocks.wall())
        with contextlib.suppress(ZeroDivisionError):
            async with floor.store.transaction() as uow:
                await floor.loop.put(uow, delivery)
                raise ZeroDivisionError
        await floor.whatever_waits_is_sent()
        assert medium.sent == []
        await put_together(floor, told)
        await floor.until(delivery.id, "accepted")
    assert [each.id for each in medium.sent] == [delivery.id]


class Answering(PlayedMedium):
    """Answers the n-th after n times `apart` seconds."""

    def __init__(self, apart: float, *answers: SendResult) -> None:
        super().__init__(list(answers))
        self.apart = apart

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append(sending)
        number, result = len(self.sent), self.answers.pop(0) if self.answers else self.otherwise
        await asyncio.sleep(number * self.apart)
        return result


async def test_answers_a_moment_apart_are_recorded_together_and_said_together(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "HELD_SECONDS", 60)
    told = received()
    async with running_floor(engine, keyring, Answering(0.01)) as floor:
        await ends(floor, await put_together(floor, received(child=told.subject)))
        await floor.loop._sweep.stop()
        before = len(await floor.said(told.subject))
        with round_trips(floor.store.engine) as trips:
            put = await put_together(floor, *(received(child=told.subject) for _ in range(4)))
            await floor.idle()
            commits = trips.statements.count("COMMIT")
        [together] = (await floor.said(told.subject))[before:]
    assert commits == 3
    assert together["type"] == "duty.outcomes.v1"
    ids = {str(each.id) for each in put}
    assert {each["delivery"] for each in together["data"]["attempts"]} == ids
    assert {each["looked_up"][0] for each in together["data"]["attempts"]} == {"child.name"}
    assert {each["duty"] for each in together["data"]["accepted"]} == {str(each.duty.duty) for each in put if each.duty}


async def test_a_refusal_waits_for_no_other_answer(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "HELD_SECONDS", 60)
    told = received()
    async with running_floor(engine, keyring, Answering(0.05, ACCEPTED, REFUSED)) as floor:
        first, second, third = await put_together(floor, *(received(child=told.subject) for _ in range(3)))
        await floor.until(second.id, "failed")
        assert (await floor.row(first.id))["state"] == "accepted", "with it"
        await floor.until(third.id, "accepted")
        outcomes = [each for each in await floor.said(told.subject) if each["type"] == "duty.outcomes.v1"]
    assert [(len(each["data"]["accepted"]), len(each["data"]["failed"])) for each in outcomes] == [(1, 1)]


class Gated(PlayedMedium):
    """Answers the n-th when its gate is open."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.gates = [asyncio.Event() for _ in range(number)]

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append(sending)
        await self.gates[len(self.sent) - 1].wait()
        return ACCEPTED


async def test_an_answer_is_recorded_at_once_where_a_delivery_waits_for_its_place(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "HELD_SECONDS", 60)
    medium = Gated(3)
    async with running_floor(engine, keyring, medium, at_once=2) as floor:
        first = await floor.put(received(), "force-place")
        await eventually(lambda: len(medium.sent) == 1)
        second = await floor.put(received(), "force-place")
        await eventually(lambda: len(medium.sent) == 2)
        medium.gates[0].set()
        await eventually(lambda: floor.loop._dispatcher._under_way == 1)
        assert (await floor.row(first.id))["state"] == "sending", "its answer waits for the other's"
        await floor.put(received(), "force-place")
        await eventually(lambda: len(medium.sent) == 3)
        assert (await floor.row(second.id))["state"] == "sending"
        for gate in medium.gates:
            gate.set()
