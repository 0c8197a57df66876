"""The delivery floor on a real PostgreSQL: what was put is sent, once is enough, and nothing ends in silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.carers.store.conversations import telling_by_code
from services.platform.delivery.channels.channel import SendResult
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.retry_policy import CALLBACK_PATIENCE
from services.platform.delivery.sending import worker
from services.platform.delivery.sending.attempt import DEFECTS_MOST, AttemptStarter
from services.platform.delivery.sending.results import ResultWriter
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.identifiers import derived, new_id
from services.safeguarding.roles import Channel, Role
from tests.support.engines.database import Database
from tests.support.in_process.delivery import (
    LATER,
    REFUSED,
    PlayedMedium,
    eventually,
    no_leftovers,
    received,
    running_floor,
)
from tests.support.tables import deliveries

NUMBER = "+447700900201"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with database_engine(database, "police") as opened:
        yield opened


@asynccontextmanager
async def database_engine(database: Database, role: str) -> AsyncIterator[AsyncEngine]:
    opened = database.engine(role)
    yield opened
    await opened.dispose()


@pytest.fixture(autouse=True)
async def nothing_left_of_other_tests(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).values(state="withdrawn"))


async def test_what_was_put_is_sent_at_once_and_its_acceptance_is_said(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SWEEP_EVERY_SECONDS", 600)
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-a")
        row = await floor.until(delivery.id, "accepted")
        said = await floor.said(told.subject)
    assert [sending.id for sending in medium.sent] == [told.content.telling]
    assert [message["type"] for message in said] == [
        "delivery.attempted.v1",
        "duty.accepted.v1",
    ]
    assert said[1]["data"]["duty"] == str(told.content.duty)
    assert (said[0]["data"]["purpose"], said[0]["data"]["looked_up"]) == ("missing-notice", ["child.name"])
    assert row["lease_owner"] is None
    assert row["attempts"] == 1
    assert row["looked_up"] is None


async def test_what_has_no_place_yet_waits_and_begins_when_there_is_one(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(delay_seconds=0.3)
    async with running_floor(engine, keyring, medium, at_once=1) as floor:
        first, second = await floor.put(received(), "force-w"), await floor.put(received(), "force-w")
        await eventually(lambda: medium.sent)
        under_way, waiting = await floor.row(first.id), await floor.row(second.id)
        await floor.until(second.id, "accepted")
        made = [await floor.attempts(each.id) for each in (first, second)]
    assert (under_way["state"], under_way["attempts"]) == ("sending", 1)
    assert under_way["body"] is not None
    assert (waiting["state"], waiting["attempts"]) == ("waiting", 0)
    assert [[each["attempt"] for each in attempts] for attempts in made] == [[1], [1]]


async def test_of_many_put_in_one_transaction_no_more_begin_than_there_are_places(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    released = asyncio.Event()
    medium = PlayedMedium(released=released)
    async with running_floor(engine, keyring, medium, at_once=2) as floor:
        parcels = [Delivery.of(received(), lane="force-v", now=floor.clocks.wall()) for _ in range(5)]
        async with floor.store.transaction() as uow:
            for each in parcels:
                await floor.loop.put(uow, each)
        await eventually(lambda: len(medium.sent) == 2)
        states = [(await floor.row(each.id))["state"] for each in parcels]
        released.set()
        rows = [await floor.until(each.id, "accepted") for each in parcels]
    assert states == ["sending"] * 2 + ["waiting"] * 3
    assert [row["attempts"] for row in rows] == [1] * 5
    assert medium.at_once_most == 2


async def test_what_is_withdrawn_in_the_transaction_that_puts_it_is_not_sent(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium, told = PlayedMedium(), received()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = Delivery.of(told, lane="force-u", now=floor.clocks.wall())
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, delivery)
            await floor.loop.withdraw(uow, told)
        row = await floor.row(delivery.id)
        await floor.whatever_waits_is_sent()
    assert (row["state"], row["attempts"]) == ("withdrawn", 0)
    assert medium.sent == []


async def test_recipient_and_body_lie_encrypted_and_the_same_goes_out_at_every_attempt(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    bodies = iter(["first words", "other words"])

    async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
        return PreparedMessage("https://force.example/notices", next(bodies))

    medium = PlayedMedium(answers=[LATER])
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        delivery = await floor.put(received(), "force-b")
        async with floor.without_pauses():
            row = await floor.until(delivery.id, "accepted")
    assert [(each.recipient, each.body) for each in medium.sent] == [
        ("https://force.example/notices", "first words")
    ] * 2
    assert b"first words" not in row["body"]
    assert b"force.example" not in row["recipient"]


async def test_a_failed_attempt_is_repeated_by_the_schedule_under_the_same_id(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = PlayedMedium(answers=[LATER, LATER, LATER])
    async with running_floor(engine, keyring, medium) as floor:
        delivery = await floor.put(received(), "force-c")
        await floor.until(delivery.id, "accepted")
        log = await floor.attempts(delivery.id)
    assert len({sending.id for sending in medium.sent}) == 1
    assert [each["result"] for each in log] == ["retry", "retry", "retry", "accepted"]
    pauses = [later["started_at"] - earlier["started_at"] for earlier, later in pairwise(log)]
    assert pauses[0] > timedelta(seconds=1.5)
    assert pauses[2] > timedelta(seconds=3.75), "the schedule goes by age: after two short pauses at the latest"


async def test_a_refusal_is_an_outcome_at_once(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(answers=[REFUSED])
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-d")
        await floor.until(delivery.id, "failed")
        said = await floor.said(told.subject)
    assert said[-1]["type"] == "duty.failed.v1"
    assert said[-1]["data"]["reason"] == "refused"
    assert len(medium.sent) == 1


async def test_what_cannot_be_sent_at_all_fails_with_its_reason(engine: AsyncEngine, keyring: Keyring) -> None:
    async def prepare(_: UnitOfWork, __: Delivery) -> Undeliverable:
        return Undeliverable("nobody-in-role")

    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        told = received()
        delivery = await floor.put(told, "force-e")
        await floor.until(delivery.id, "failed")
        said = await floor.said(told.subject)
    assert [message["data"]["reason"] for message in said] == ["nobody-in-role"]
    assert medium.sent == []


async def test_a_parcel_that_our_own_error_keeps_from_being_prepared_is_given_up_soon(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    prepared: list[Delivery] = []

    async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
        prepared.append(delivery)
        raise KeyError("wording")

    async with running_floor(engine, keyring, PlayedMedium(), prepare=prepare) as floor:
        told = received()
        delivery = await floor.put(told, "force-f")
        async with floor.without_pauses():
            await floor.until(delivery.id, "failed")
        said = await floor.said(told.subject)
    assert [message["data"]["reason"] for message in said] == ["undeliverable"]
    assert len(prepared) == DEFECTS_MOST


async def test_a_parcel_whose_answer_our_own_error_keeps_from_being_written_is_given_up_too(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is `sending`: without an end it would be claimed, and sent, again and again."""

    async def write(*_: object) -> None:
        raise KeyError("wording")

    monkeypatch.setattr(ResultWriter, "write", write)
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-f2")
        async with floor.without_pauses():
            row = await floor.until(delivery.id, "failed")
        said = await floor.said(told.subject)
    assert len(medium.sent) == row["attempts"] == 3
    assert [sending.uncertain for sending in medium.sent] == [False, True, True]
    assert [each["type"] for each in said] == ["register.looked-up.v1", "duty.failed.v1"], "no attempt is on the record"
    assert said[0]["data"]["fields"] == ["child.name"]
    assert said[-1]["data"]["reason"] == "undeliverable"


async def test_the_same_telling_put_twice_is_sent_once(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-g")
        await floor.put(told, "force-g")
        await floor.until(delivery.id, "accepted")
        await floor.whatever_waits_is_sent()
    assert len(medium.sent) == 1


async def test_a_withdrawal_stops_what_waits(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(otherwise=LATER)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-h")
        await eventually(lambda: medium.sent)
        await floor.until(delivery.id, "waiting")
        withdrawal = received(duty=told.content.duty, step=0, revision=2, act="withdraw", child=told.subject)
        await floor.withdraw(withdrawal)
        await floor.whatever_waits_is_sent()
        row = await floor.row(delivery.id)
    assert row["state"] == "withdrawn"
    assert len(medium.sent) == 1


async def test_a_withdrawal_that_overtakes_its_telling_stops_it_too(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        withdrawal = received(duty=told.content.duty, step=0, revision=2, act="withdraw", child=told.subject)
        await floor.withdraw(withdrawal)
        await floor.put(told, "force-i")
        other_step = received(duty=told.content.duty, step=1, child=told.subject)
        await floor.put(other_step, "force-i")
        await eventually(lambda: medium.sent)
        await floor.whatever_waits_is_sent()
    assert [sending.id for sending in medium.sent] == [other_step.content.telling]


async def test_a_send_under_way_when_it_is_withdrawn_still_tells_that_it_was_taken(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    medium = PlayedMedium(delay_seconds=0.5)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-j")
        await eventually(lambda: medium.sent)
        await floor.withdraw(received(duty=told.content.duty, revision=2, act="withdraw", child=told.subject))
        await floor.until(delivery.id, "accepted")
        assert "duty.accepted.v1" in await floor.kinds_said(told.subject)


async def test_a_send_under_way_when_it_is_withdrawn_is_not_repeated(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(delay_seconds=0.5, otherwise=LATER)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-k")
        await eventually(lambda: medium.sent)
        await floor.withdraw(received(duty=told.content.duty, revision=2, act="withdraw", child=told.subject))
        await floor.until(delivery.id, "withdrawn")
        await floor.whatever_waits_is_sent()
    assert len(medium.sent) == 1


async def test_an_acknowledged_telling_is_not_sent_again(engine: AsyncEngine, keyring: Keyring) -> None:
    medium = PlayedMedium(otherwise=LATER)
    async with running_floor(engine, keyring, medium) as floor:
        told = received()
        delivery = await floor.put(told, "force-l")
        await eventually(lambda: medium.sent)
        await floor.until(delivery.id, "waiting")
        async with floor.store.transaction() as uow:
            await floor.loop.acknowledged(uow, told.content.duty, 0)
        await floor.whatever_waits_is_sent()
        assert (await floor.row(delivery.id))["state"] == "acknowledged"
    assert len(medium.sent) == 1


async def test_a_process_that_comes_back_takes_up_at_once_what_it_held(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEASE", timedelta(minutes=10))
    stuck = PlayedMedium(delay_seconds=600)
    async with running_floor(engine, keyring, stuck, slot=7) as first:
        delivery = await first.put(received(), "force-m")
        await eventually(lambda: stuck.sent)
        await first.die()
        medium = PlayedMedium()
        async with running_floor(engine, keyring, medium, slot=7) as second:
            await second.until(delivery.id, "accepted")
    assert medium.sent[0].uncertain
    assert medium.sent[0].id == stuck.sent[0].id


async def test_a_text_that_may_be_on_its_way_waits_until_its_provider_can_say_so(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    """Whoever takes it over asks the provider, whose list may lag."""
    stuck, medium = PlayedMedium(delay_seconds=600), PlayedMedium()
    async with running_floor(engine, keyring, stuck, slot=7) as first:
        delivery = await first.put(received(), "force-m")
        await eventually(lambda: stuck.sent)
        async with engine.begin() as connection:
            to_a_phone = update(deliveries).where(deliveries.c.id == delivery.id).values(number_hash=b"a number's")
            await connection.execute(to_a_phone)
        await first.die()
        async with running_floor(engine, keyring, medium, slot=7) as second:
            await eventually(lambda: second.loop._has_come_back)
            row = await second.row(delivery.id)
            assert (row["state"], row["lease_owner"]) == ("sending", None)
            assert row["next_attempt_at"] == row["changed_at"] + CALLBACK_PATIENCE
            await second.end_pauses()
            second.loop._sweep.wake()
            await second.until(delivery.id, "accepted")
    assert [each.uncertain for each in medium.sent] == [True]


async def test_what_a_later_version_put_holds_up_nothing_of_this_one(engine: AsyncEngine, keyring: Keyring) -> None:
    """As where a process of the version before takes over in an upgrade."""
    stuck, medium = PlayedMedium(delay_seconds=600), PlayedMedium()
    async with running_floor(engine, keyring, stuck, slot=7) as first:
        later, known = await first.put(received(), "force-u"), await first.put(received(), "force-v")
        await eventually(lambda: len(stuck.sent) == 2)
        await first.die()
        async with engine.begin() as connection:
            unknown = update(deliveries).where(deliveries.c.id == later.id).values(kind="police.ask.v9")
            await connection.execute(unknown)
        async with running_floor(engine, keyring, medium, slot=7) as second:
            await second.until(known.id, "accepted")
    assert [each.id for each in medium.sent] == [known.id]


async def test_one_whose_lease_was_away_for_a_moment_is_sent_and_not_withdrawn(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the first sweep of a process releases what the process has just put, and claims it again."""
    commit, tries = AttemptStarter._commit, 0

    async def without_lease(starter: AttemptStarter, batch: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await _lease_to(engine, None)
        await commit(starter, batch)
        if tries == 1:
            await _lease_to(engine, starter._owner)

    monkeypatch.setattr(AttemptStarter, "_commit", without_lease)
    medium = PlayedMedium()
    async with running_floor(engine, keyring, medium) as floor:
        delivery = await floor.put(received(), "force-n")
        await floor.until(delivery.id, "accepted")
    assert len(medium.sent) == 1


async def _lease_to(engine: AsyncEngine, owner: str | None) -> None:
    async with engine.begin() as connection:
        await connection.execute(update(deliveries).where(deliveries.c.state == "waiting").values(lease_owner=owner))


async def test_another_process_takes_over_only_when_the_lease_has_run_out(
    engine: AsyncEngine, keyring: Keyring
) -> None:
    stuck = PlayedMedium(delay_seconds=600)
    async with running_floor(engine, keyring, stuck, slot=1) as first:
        delivery = await first.put(received(), "force-n")
        await eventually(lambda: stuck.sent)
        await first.die()
        other = PlayedMedium()
        async with running_floor(engine, keyring, other, slot=2) as second:
            await second.loop._turn()
            assert second.loop._dispatcher.held == []
            async with engine.begin() as connection:
                ran_out = {"lease_until": second.clocks.wall()}
                await connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(ran_out))
            second.loop._sweep.wake()  # it goes by the end that it knew: tests/integration/delivery/test_wakes.py
            await second.until(delivery.id, "accepted")
    assert len(other.sent) == 1


async def test_a_lease_is_renewed_but_for_the_row_that_is_being_written(engine: AsyncEngine, keyring: Keyring) -> None:
    """Both would lock several rows and wait for each other: this was seen on a busy cluster."""
    stuck = PlayedMedium(delay_seconds=600)
    async with running_floor(engine, keyring, stuck) as floor:
        written, other = [await floor.put(received(), "force-n") for _ in range(2)]
        await eventually(lambda: len(stuck.sent) == 2)
        before = {each.id: (await floor.row(each.id))["lease_until"] for each in (written, other)}
        async with engine.begin() as connection:
            await connection.execute(update(deliveries).where(deliveries.c.id == written.id).values(attempts=1))
            await asyncio.wait_for(floor.loop._renew(), 30)
        after = {each.id: (await floor.row(each.id))["lease_until"] for each in (written, other)}
    assert after[written.id] == before[written.id]
    assert after[other.id] > before[other.id]


async def test_two_processes_share_what_waits_and_send_nothing_twice(engine: AsyncEngine, keyring: Keyring) -> None:
    one, two = PlayedMedium(delay_seconds=0.01), PlayedMedium(delay_seconds=0.01)
    async with running_floor(engine, keyring, one, slot=1) as first, running_floor(engine, keyring, two, slot=2):
        parcels = [await first.put(received(), f"force-{n % 3}") for n in range(120)]
        for delivery in parcels:
            await first.until(delivery.id, "accepted")
    ids = [sending.id for sending in one.sent + two.sent]
    assert sorted(ids) == sorted(delivery.id for delivery in parcels)


async def test_a_lane_gets_few_sends_at_once(engine: AsyncEngine, keyring: Keyring) -> None:
    released = asyncio.Event()
    medium = PlayedMedium(released=released)
    async with running_floor(engine, keyring, medium, at_once=4) as floor:
        parcels = [await floor.put(received(), "force-o") for _ in range(40)]
        await eventually(lambda: len(medium.sent) == 4)
        released.set()
        for delivery in parcels:
            await floor.until(delivery.id, "accepted")
    assert medium.at_once_most == 4
    assert len(medium.sent) == 40


async def test_a_service_sees_its_own_deliveries_alone(
    engine: AsyncEngine, keyring: Keyring, database: Database
) -> None:
    async with running_floor(engine, keyring, PlayedMedium()) as floor:
        delivery = await floor.put(received(), "force-q")
        await floor.until(delivery.id, "accepted")
    async with database_engine(database, "professionals") as other, other.connect() as connection:
        seen = await connection.scalar(
            text("SELECT count(*) FROM delivery.deliveries WHERE id = :id"), {"id": delivery.id}
        )
    assert seen == 0


async def test_a_code_counts_only_from_the_number_that_it_was_texted_to(database: Database, keyring: Keyring) -> None:
    async def prepare(_: UnitOfWork, __: Delivery) -> PreparedMessage:
        return PreparedMessage(NUMBER, "text", person=new_id("person"), number=NUMBER)

    told = received(ProfessionalNotify, role=Role.DUTY_WORKER, channel=Channel.TEXT)
    async with database_engine(database, "professionals") as engine:
        medium = PlayedMedium(name="text")
        async with running_floor(engine, keyring, medium, service="professionals", prepare=prepare) as floor:
            delivery = await floor.put(told, "texts")
            await floor.until(delivery.id, "accepted")
    async with database_engine(database, "carers") as carers, Store(carers).read() as reader:
        here, elsewhere = keyring.number_hashes(NUMBER), keyring.number_hashes("+447700900999")
        found = await reader.fetch(telling_by_code(here, delivery.code.lower()))
        from_elsewhere = await reader.fetch(telling_by_code(elsewhere, delivery.code))
    assert found is not None
    assert (found.duty, found.step, found.child) == (told.content.duty, 0, told.subject)
    assert from_elsewhere is None


async def test_a_reply_is_sent_as_it_was_put_and_says_nothing_of_a_duty(database: Database, keyring: Keyring) -> None:
    medium = PlayedMedium(name="text")
    child = new_id("child")
    async with (
        database_engine(database, "carers") as engine,
        no_leftovers(engine),
        running_floor(engine, keyring, medium, service="carers") as floor,
    ):
        reply = Delivery(
            id=derived("reply", child),
            lane="texts",
            child=child,
            created_at=floor.clocks.wall(),
            authority="kestrel",
            to_number=NUMBER,
            body="Got it.",
        )
        async with floor.store.transaction() as uow:
            assert await floor.loop.put(uow, reply)
        await floor.until(reply.id, "accepted")
        kinds = await floor.kinds_said(child)
    own = [(sending.recipient, sending.body) for sending in medium.sent if sending.id == reply.id]
    assert own == [(NUMBER, "Got it.")]
    assert kinds == ["delivery.attempted.v1"]


async def test_a_reply_that_cannot_be_delivered_becomes_a_humans_business(database: Database, keyring: Keyring) -> None:
    medium = PlayedMedium(answers=[SendResult(AttemptResult.REFUSED, 21610, reason="opted-out")], name="text")
    child, person = new_id("child"), new_id("person")
    async with (
        database_engine(database, "carers") as engine,
        no_leftovers(engine),
        running_floor(engine, keyring, medium, service="carers") as floor,
    ):
        reply = Delivery(
                id=derived("reply", child), lane="texts", child=child, created_at=floor.clocks.wall(), authority="kestrel",
                person=person, to_number=NUMBER, body="Got it.",
            )  # fmt: skip
        async with floor.store.transaction() as uow:
            await floor.loop.put(uow, reply)
        await floor.until(reply.id, "failed")
        said = await floor.said(child)
    assert said[-1]["type"] == "contact.unreachable.v1"
    assert said[-1]["data"]["person"] == person
