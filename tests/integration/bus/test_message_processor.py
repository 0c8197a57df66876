"""What a service does with messages that came while it was busy: all in one transaction, and none at another's expense."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.platform.bus import message_processor
from services.platform.bus.connection import DEAD_LETTERS, REFUSED
from services.platform.bus.consumer import Consumer
from services.platform.bus.message_processor import MessageProcessor, Priority, Subscription
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.messages.envelope import Raw, Received, compose, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import KeyMissing
from services.platform.store.query import Query, all_rows
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from services.safeguarding.child_events.events import ChildLocated, ChildReportedMissing, ChildReturned
from services.safeguarding.duty.decisions import MessageDeadLettered, ProtocolDecided, Verdict
from services.safeguarding.identifiers import new_id, provisional_child, trace_of
from services.safeguarding.message import Topic
from tests.support.engines.database import LOCK_TIMEOUT_SECONDS, Database
from tests.support.engines.standby import standby_away
from tests.support.histories.reading import unsent_of
from tests.support.signatures import KEYS, SIGNERS, SPEAKERS, say, signer_of


class Settled:
    """In the publisher's place: nothing is published, so that the outbox can be read. `keys`: what each partition waited for."""

    def __init__(self) -> None:
        self.keys: list[list[str]] = []

    async def wait_published(self, keys: Sequence[str]) -> None:
        self.keys.append(sorted(set(keys)))


class Office:
    """Says one decision for each report; fails at those of the authorities `refused` and `keyless`."""

    def __init__(self, store: Store) -> None:
        self.store, self.clocks = store, Clocks()
        self.transactions: list[int] = []
        self.returns: list[int] = []
        self.overlong = 0
        self.returns_wait_for: asyncio.Event | None = None
        self.reports_wait_for: asyncio.Event | None = None
        self.settled = Settled()
        subscriptions = [
            Subscription(
                ChildReportedMissing,
                self.on_child_reported_missing,
                Priority.URGENT,
                skip_if=lambda report: report.authority == "elsewhere",
            ),
            Subscription(ChildReturned, self.on_child_returned),
            Subscription(MessageDeadLettered, self.on_dead_letter),
        ]
        self.processor = MessageProcessor(
            "protocol",
            store,
            cast("OutboxRelay", self.settled),
            self.clocks,
            SPEAKERS,
            subscriptions,
            most_bundles=Consumer.BUNDLES_AT_ONCE,
        )

    def goes_away(self) -> None:
        """From now on its handler fails as if the database were away."""
        report, *_ = self.processor.subscriptions.values()
        self.processor.subscriptions[report.event.kind] = replace(report, handler=_away)

    async def on_child_reported_missing(self, received: Received[ChildReportedMissing], uow: UnitOfWork) -> None:
        if received.content.authority == "refused":
            raise ZeroDivisionError
        if received.content.authority == "keyless":
            raise KeyMissing
        if received.content.authority == "overlong":
            self.overlong += 1
            await uow.connection.execute(text("SET LOCAL statement_timeout = 1"))
            await uow.connection.execute(text("SELECT pg_sleep(1)"))
        if self.reports_wait_for is not None:
            await self.reports_wait_for.wait()
        self.transactions.append(await _id_of(uow))
        decided = ProtocolDecided(
            authority="kestrel",
            about=received.content.kind,
            about_id=received.id,
            verdict=Verdict.TOLD,
            protocol="office 1",
        )
        now = self.clocks.wall()
        uow.publish(decided, subject=received.subject, at=now)

    async def on_child_returned(self, _: Received[ChildReturned], uow: UnitOfWork) -> None:
        if self.returns_wait_for is not None:
            await self.returns_wait_for.wait()
        self.returns.append(await _id_of(uow))

    async def on_dead_letter(self, _: Received[MessageDeadLettered], __: UnitOfWork) -> None:
        raise ZeroDivisionError

    async def decided_on(self, child: str) -> list[str]:
        async with self.store.engine.connect() as connection:
            said = [read(each.envelope).content for each in await unsent_of(connection, child)]
        return [each.about_id for each in said if isinstance(each, ProtocolDecided)]


async def _id_of(uow: UnitOfWork) -> int:
    return cast("int", await uow.connection.scalar(text("SELECT pg_current_xact_id()::text::bigint")))


@pytest.fixture
async def office(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(message_processor, "ATTEMPT_PAUSE_SECONDS", 0.0)
    store = Store(database.engine("protocol"), origin=Origin("protocol", Clocks()))
    yield Office(store)
    await store.close()


def report(child: str, message_id: str, authority: str = "kestrel", kind: Any = ChildReportedMissing) -> Raw:
    envelope = say(
        kind(authority=authority),
        by="carers",
        subject=child,
        at=datetime.now(UTC),
        message_id=f"{message_id} of {child}",
    )
    return Raw(envelope, Topic.CHILD_EVENTS, f"child-events/0/{uuid4().int}")


async def test_what_came_together_is_done_in_one_transaction_in_its_order(office: Office) -> None:
    child = new_id("child")
    assert await office.processor.process_batch([report(child, str(each)) for each in range(5)]) == 5
    assert await office.decided_on(child) == [f"{each} of {child}" for each in range(5)]
    assert len(set(office.transactions)) == 1


async def test_a_message_that_comes_twice_at_once_is_done_once(office: Office) -> None:
    child = new_id("child")
    twice = report(child, "1")
    assert await office.processor.process_batch([twice, report(child, "2"), twice]) == 3
    assert await office.decided_on(child) == [f"1 of {child}", f"2 of {child}"]


async def test_a_partition_waits_only_for_what_its_own_messages_said(office: Office) -> None:
    one, other, third = (new_id("child") for _ in range(3))
    partitions = [report(one, "1"), report(third, "1")], [report(other, "1"), report(other, "2")]
    assert await asyncio.gather(*(office.processor.process_batch(each) for each in partitions)) == [2, 2]
    assert len(set(office.transactions)) == 1
    assert sorted(office.settled.keys) == sorted([sorted([one, third]), [other]])


async def test_what_is_urgent_does_not_wait_for_what_came_earlier_to_other_partitions(office: Office) -> None:
    office.returns_wait_for = asyncio.Event()
    backlog = [[report(new_id("child"), "1", kind=ChildReturned)] for _ in range(3 * Consumer.BUNDLES_AT_ONCE)]
    waiting = [asyncio.create_task(office.processor.process_batch(each)) for each in backlog]
    assert await asyncio.wait_for(office.processor.process_batch([report(new_id("child"), "1")]), 30) == 1
    assert office.returns == []
    office.returns_wait_for.set()
    assert await asyncio.gather(*waiting) == [1] * 12
    assert len(set(office.returns)) == 3


@pytest.mark.parametrize(("yields_for", "returns_meanwhile"), [(60.0, 0), (0.01, 1)])
async def test_what_is_not_urgent_lets_what_is_go_first_for_a_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch, yields_for: float, returns_meanwhile: int
) -> None:
    monkeypatch.setattr(message_processor, "YIELDS_FOR_SECONDS", yields_for)
    office.reports_wait_for = asyncio.Event()
    urgent = asyncio.create_task(office.processor.process_batch([report(new_id("child"), "1")]))
    await asyncio.sleep(0)
    other = asyncio.create_task(office.processor.process_batch([report(new_id("child"), "1", kind=ChildReturned)]))
    await asyncio.wait([other], timeout=1.0 if returns_meanwhile == 0 else 30.0)
    assert len(office.returns) == returns_meanwhile
    office.reports_wait_for.set()
    assert list(await asyncio.gather(urgent, other)) == [1, 1]
    assert len(office.returns) == 1


async def test_urgent_content_goes_before_two_hundred_messages_of_its_kind_that_came_earlier(office: Office) -> None:
    released, handled = asyncio.Event(), list[str]()

    async def handle(received: Received[ChildReturned], _: UnitOfWork) -> None:
        if received.content.authority != "first":
            await released.wait()
        handled.append(received.subject)

    usual = Subscription(ChildReturned, handle, urgent_if=lambda returned: returned.authority == "first")
    office.processor.subscriptions[ChildReturned.kind] = usual
    routine = [
        asyncio.create_task(office.processor.process_batch([report(new_id("child"), "1", kind=ChildReturned)]))
        for _ in range(200)
    ]
    await asyncio.sleep(0.2)
    child = new_id("child")
    urgent = report(child, "1", kind=ChildReturned, authority="first")
    assert await asyncio.wait_for(office.processor.process_batch([urgent]), 30) == 1
    assert handled == [child]
    released.set()
    assert await asyncio.gather(*routine) == [1] * 200


@pytest.mark.parametrize("authority", ["refused", "keyless"])
async def test_one_that_cannot_be_worked_on_takes_no_other_with_it(office: Office, authority: str) -> None:
    child = new_id("child")
    three = [report(child, "1"), report(child, "2", authority=authority), report(child, "3")]
    assert await asyncio.wait_for(office.processor.process_batch(three), 60) == 3
    assert await office.decided_on(child) == [f"1 of {child}", f"3 of {child}"]


@pytest.mark.parametrize("handles_others", [True, False])
async def test_one_that_always_takes_too_long_becomes_a_dead_letter_unless_nothing_else_is_handled_either(
    office: Office, monkeypatch: pytest.MonkeyPatch, *, handles_others: bool
) -> None:
    """Where nothing is handled, it may be the database: an outage makes no dead letter."""
    monkeypatch.setattr(message_processor, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(message_processor, "LATER_WAIT_SECONDS", 0.01)
    child, tries = new_id("child"), message_processor.OVERLONG_ATTEMPTS
    partition = asyncio.create_task(
        office.processor.process_batch([report(child, "1", authority="overlong"), report(child, "2")])
    )
    async with asyncio.timeout(60):
        while not partition.done() and office.overlong < 2 * tries + 10:
            if handles_others:
                await office.processor.process_batch([report(new_id("child"), "1", kind=ChildReturned)])
            await asyncio.sleep(0.01)
        assert partition.done() is handles_others
        assert office.overlong > tries, "others are slow too, now and then"
        assert (office.processor.obstacle() is None) is handles_others
        office.processor.stopping.set()
        assert await partition == (2 if handles_others else 0)
    assert await office.decided_on(child) == ([f"2 of {child}"] if handles_others else [])


async def test_bytes_that_are_no_message_take_no_other_with_them(office: Office) -> None:
    child = new_id("child")
    unreadable = Raw(b"\xff", Topic.CHILD_EVENTS, f"child-events/0/{uuid4().int}")
    assert await office.processor.process_batch([report(child, "1"), unreadable, report(child, "2")]) == 3
    assert await office.decided_on(child) == [f"1 of {child}", f"2 of {child}"]


CHILD = new_id("child")
RETURNED = ChildReturned(authority="kestrel")
TOLD: dict[str, Any] = {"subject": CHILD, "at": datetime(2026, 11, 27, tzinfo=UTC)}
UNSIGNED = compose(RETURNED, said_by="carers", **TOLD)
GENUINE = say(RETURNED, by="carers", **TOLD)


@pytest.mark.parametrize(
    ("forged", "doubt"),
    [
        (UNSIGNED, "unsigned"),
        (GENUINE.replace(CHILD.encode(), new_id("child").encode()), "wrong-signature"),
        (GENUINE[:-1] + b', "exercise": true}', "unsigned"),
        (signer_of("carers", KEYS["clock"]).sign(UNSIGNED), "unknown-key"),
        (say(RETURNED, by="clock", **TOLD), "may-not-say"),
        (SIGNERS["clock"].sign(UNSIGNED), "may-not-say"),
        (SIGNERS["police"].sign(UNSIGNED), "other-source"),
        (SIGNERS["police"].sign(compose(RETURNED, said_by="", source="/agencies/force", **TOLD)), "other-source"),
    ],
)
async def test_what_nobody_has_said_who_may_say_it_changes_nothing_and_is_a_dead_letter(
    office: Office, forged: bytes, doubt: str
) -> None:
    raw = Raw(forged, Topic.CHILD_EVENTS, f"child-events/0/{uuid4().int}")
    before = REFUSED.labels(doubt)._value.get()
    assert await office.processor.process_batch([raw]) == 1
    assert office.returns == []
    async with office.store.engine.connect() as connection:
        [letter] = [
            read(each.envelope).content for each in await unsent_of(connection, provisional_child(raw.identity))
        ]
    assert isinstance(letter, MessageDeadLettered)
    assert (letter.reason, letter.original_kind) == (f"refused: {doubt}", ChildReturned.kind)
    assert REFUSED.labels(doubt)._value.get() == before + 1


@pytest.mark.parametrize(
    "genuine", [GENUINE, SIGNERS["casework"].sign(compose(RETURNED, said_by="", source="/agencies/force", **TOLD))]
)
async def test_what_a_service_has_said_that_may_say_it_is_believed(office: Office, genuine: bytes) -> None:
    await office.processor.process_batch([Raw(genuine, Topic.CHILD_EVENTS, f"child-events/0/{uuid4().int}")])
    assert len(office.returns) == 1


@pytest.mark.parametrize(("about", "letters"), [(ChildReturned.kind, 1), (MessageDeadLettered.kind, 0)])
async def test_a_service_that_fails_at_letters_writes_none_about_its_own(
    office: Office, about: str, letters: int
) -> None:
    child = new_id("child")
    letter = MessageDeadLettered(service="police", origin="duties/0/1", reason="x", original_kind=about, original="")
    before = DEAD_LETTERS.labels(MessageDeadLettered.kind)._value.get()
    raw = Raw(say(letter, **TOLD | {"subject": child}), Topic.DEAD_LETTERS, f"dead-letters/0/{uuid4().int}")
    assert await office.processor.process_batch([raw]) == 1
    async with office.store.engine.connect() as connection:
        assert len(await unsent_of(connection, child)) == letters
    assert DEAD_LETTERS.labels(MessageDeadLettered.kind)._value.get() == before + 1


@pytest.mark.parametrize("exercise", [True, False])
async def test_a_letter_about_practice_is_practice(office: Office, exercise: bool) -> None:
    child = new_id("child")
    about = TOLD | {"subject": child, "exercise": exercise, "trace": trace_of("text", child)}
    envelope = say(ChildReportedMissing(authority="refused"), by="carers", **about)
    await office.processor.process_batch([Raw(envelope, Topic.CHILD_EVENTS, f"child-events/0/{uuid4().int}")])
    async with office.store.engine.connect() as connection:
        [letter] = [read(each.envelope) for each in await unsent_of(connection, child)]
    assert isinstance(letter.content, MessageDeadLettered)
    assert (letter.exercise, letter.trace) == (exercise, about["trace"])


async def test_a_letter_that_is_refused_makes_none(office: Office) -> None:
    letter = MessageDeadLettered(service="police", origin="duties/0/1", reason="x", original_kind=None, original="")
    raw = Raw(compose(letter, said_by="police", **TOLD), Topic.DEAD_LETTERS, f"dead-letters/0/{uuid4().int}")
    assert await office.processor.process_batch([raw]) == 1
    async with office.store.engine.connect() as connection:
        assert await unsent_of(connection, provisional_child(raw.identity)) == []


async def test_kinds_that_the_service_does_nothing_with_are_passed_over(office: Office) -> None:
    child = new_id("child")
    located = report(child, "1", kind=ChildLocated)
    assert await office.processor.process_batch([located, located]) == 2
    assert await office.decided_on(child) == []


async def test_content_that_means_nothing_to_the_service_costs_no_transaction(office: Office) -> None:
    child = new_id("child")
    assert await office.processor.process_batch([report(child, "1", authority="elsewhere"), report(child, "2")]) == 2
    assert await office.decided_on(child) == [f"2 of {child}"]


async def test_when_the_process_stops_what_is_not_done_is_not_acknowledged(office: Office) -> None:
    child = new_id("child")
    office.processor.stopping.set()
    office.goes_away()
    assert await office.processor.process_batch([report(child, "1"), report(child, "2")]) == 0


async def test_a_message_that_is_on_one_disk_alone_is_not_acknowledged(office: Office, database: Database) -> None:
    """The wait of its first commit is cancelled. The second finds it done, and waits all the same."""
    async with standby_away(database) as standby:
        handling = asyncio.create_task(office.processor.process_batch([report(new_id("child"), "1")]))
        await standby.cancel()
        await standby.awaited()
        assert not handling.done()
    assert await handling == 1


async def test_a_report_waits_for_no_lock_that_a_stopped_process_holds_of_another_child(office: Office) -> None:
    """As of a process that stands still in the midst of the first report, which has come here since."""
    stuck, other = report(new_id("child"), "1"), report(new_id("child"), "1")
    held = read(stuck.content)
    mark = "INSERT INTO inbox (source, message_id, content_hash, done_at) VALUES (%(s)s, %(m)s, '', now())"
    async with office.store.transaction() as frozen:
        await frozen.fetch(Query(mark, {"s": held.source, "m": held.id}, all_rows))
        waits = asyncio.create_task(office.processor.process_batch([stuck]))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
            assert await office.processor.process_batch([other]) == 1
        assert not waits.done()
        waits.cancel()
        await asyncio.wait({waits})


async def test_a_partition_that_goes_to_another_process_while_its_message_waits_is_no_obstacle_here(
    office: Office,
) -> None:
    """Faust cancels what works on a partition that was revoked."""
    office.goes_away()
    waits = asyncio.create_task(office.processor.process_batch([report(new_id("child"), "1")]))
    async with asyncio.timeout(30):
        while office.processor.obstacle() is None:  # noqa: ASYNC110 asks about the processor, which has no event
            await asyncio.sleep(0.01)
    waits.cancel()
    await asyncio.wait({waits})
    assert office.processor.obstacle() is None


async def _away(received: Received[Any], uow: UnitOfWork) -> None:
    raise ConnectionError
