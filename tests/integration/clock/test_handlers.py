"""The clock on a real PostgreSQL: each deadline fires once, late rather than never, and says how late."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.clock.timer import BATCH, fire_due
from services.platform.messages.envelope import compose, read
from services.platform.runtime.clocks import Clocks
from services.platform.store import deadlines
from services.platform.store.deadlines import Pending
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import ChildReturned, DutyStepDue
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.signatures import SIGNERS, SPEAKERS


class Clockwork:
    """A protocol that writes deadlines, and the stores of two clocks."""

    def __init__(self, protocol: AsyncEngine, clock: AsyncEngine, other_clock: AsyncEngine) -> None:
        self.protocol = Store(protocol, origin=Origin("protocol", Clocks()))
        self.clock = Store(clock, origin=Origin("clock", Clocks()))
        self.other_clock = Store(other_clock, origin=Origin("clock", Clocks()))
        self.child = new_id("child")

    async def put(self, due_at: datetime, *, deadline: UUID | None = None, version: int = 1) -> UUID:
        deadline = deadline or uuid4()
        content = DutyStepDue(authority="kestrel", deadline=deadline, version=version, duty=uuid4(), step=1)
        envelope = compose(
            content, said_by="protocol", subject=self.child, at=due_at, message_id=f"{deadline}/{version}"
        )
        async with self.protocol.transaction() as uow:
            deadlines.put_all(uow, [Pending(deadline, version, self.child, due_at, envelope)], Clocks().story())
        return deadline

    async def published(self) -> list[bytes]:
        async with self.clock.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT envelope FROM outbox WHERE key = :k ORDER BY position"), {"k": self.child}
            )
            return [bytes(row.envelope) for row in rows]


@pytest.fixture
async def clockwork(database: Database) -> AsyncIterator[Clockwork]:
    engines = [database.engine(role) for role in ("protocol", "clock", "clock")]
    async with engines[0].begin() as connection:
        await connection.execute(text("UPDATE deadlines.due SET cancelled_at = due_at WHERE fired_at IS NULL"))
    yield Clockwork(*engines)
    for engine in engines:
        await engine.dispose()


def _now() -> datetime:
    return datetime.now(UTC)


async def test_what_is_due_is_published_once_and_what_is_not_waits(clockwork: Clockwork) -> None:
    due = await clockwork.put(_now() - timedelta(seconds=1))
    await clockwork.put(_now() + timedelta(hours=1))
    assert await fire_due(clockwork.clock, Clocks()) is False
    assert await fire_due(clockwork.clock, Clocks()) is False
    (raw,) = await clockwork.published()
    said = read(raw)
    assert isinstance(said.content, DutyStepDue)
    assert (said.content.deadline, said.subject, said.source) == (due, clockwork.child, "/safe-return/protocol")


async def test_a_late_event_says_how_late_and_is_the_same_event(clockwork: Clockwork) -> None:
    await clockwork.put(_now() - timedelta(hours=2))
    await fire_due(clockwork.clock, Clocks())
    (raw,) = await clockwork.published()
    said = read(raw)
    on_time = json.loads(raw)
    assert 7200 <= on_time.pop("lateseconds") < 7230
    assert read(json.dumps(on_time).encode()).content_hash == said.content_hash


async def test_what_a_service_holds_back_is_published_under_its_own_signature(clockwork: Clockwork) -> None:
    holding = Store(clockwork.protocol.engine, origin=Origin("console", Clocks(), SIGNERS["console"]))
    about: dict[str, Any] = {"said_by": "console", "subject": clockwork.child}
    async with holding.transaction() as uow:
        deadlines.hold(uow, _now() - timedelta(hours=2), uuid4(), ChildReturned(authority="kestrel"), **about)
    await fire_due(clockwork.clock, Clocks())
    [published] = [SIGNERS["clock"].sign(each) for each in await clockwork.published()]
    assert SPEAKERS.speaker_of(published, ChildReturned.kind) == "console"


async def test_story_time_decides_what_is_due(clockwork: Clockwork) -> None:
    await clockwork.put(_now() + timedelta(minutes=25))
    await fire_due(clockwork.clock, Clocks())
    assert await clockwork.published() == []
    await fire_due(clockwork.clock, Clocks(timedelta(minutes=30)))
    assert len(await clockwork.published()) == 1


async def test_a_cancelled_deadline_never_fires(clockwork: Clockwork) -> None:
    deadline = await clockwork.put(_now() - timedelta(seconds=1))
    async with clockwork.protocol.transaction() as uow:
        deadlines.cancel(uow, _now(), deadline)
    await fire_due(clockwork.clock, Clocks())
    assert await clockwork.published() == []


async def test_of_one_transaction_what_was_put_after_a_cancelling_stands_and_what_was_put_before_does_not(
    clockwork: Clockwork,
) -> None:
    before, after = uuid4(), uuid4()
    due = [Pending(each, 1, clockwork.child, _now() - timedelta(seconds=1), b"{}") for each in (before, after)]
    async with clockwork.protocol.transaction() as uow:
        deadlines.put_all(uow, due[:1], Clocks().story())
        deadlines.cancel(uow, _now(), before, after)
        deadlines.put_all(uow, due[1:], Clocks().story())
    async with clockwork.clock.engine.connect() as connection:
        asked = text("SELECT deadline FROM deadlines.due WHERE deadline = ANY(:both) AND cancelled_at IS NULL")
        assert list((await connection.execute(asked, {"both": [before, after]})).scalars()) == [after]
    async with clockwork.protocol.transaction() as uow:
        deadlines.cancel(uow, _now(), after)


async def test_a_later_version_of_a_fired_deadline_fires_again(clockwork: Clockwork) -> None:
    deadline = await clockwork.put(_now() - timedelta(seconds=2))
    await fire_due(clockwork.clock, Clocks())
    await clockwork.put(_now() - timedelta(seconds=1), deadline=deadline, version=2)
    await fire_due(clockwork.clock, Clocks())
    versions = [json.loads(raw)["data"]["version"] for raw in await clockwork.published()]
    assert versions == [1, 2]


async def test_two_clocks_at_once_fire_each_once(clockwork: Clockwork) -> None:
    written = [await clockwork.put(_now() - timedelta(seconds=1)) for _ in range(300)]

    async def run(store: Store) -> None:
        for _ in range(5):
            await fire_due(store, Clocks())

    await asyncio.gather(run(clockwork.clock), run(clockwork.other_clock), run(clockwork.clock))
    fired = [json.loads(raw)["data"]["deadline"] for raw in await clockwork.published()]
    assert sorted(fired) == sorted(map(str, written))


async def test_a_clock_that_dies_before_its_commit_leaves_the_deadline_to_the_next(clockwork: Clockwork) -> None:
    await clockwork.put(_now() - timedelta(seconds=1))

    class Died(Exception):
        pass

    async def claim_and_die() -> None:
        async with clockwork.other_clock.transaction() as uow:
            assert len(await deadlines.claim(uow, ahead=timedelta(), most=10)) == 1
            await fire_due(clockwork.clock, Clocks())
            assert await clockwork.published() == []
            raise Died

    with pytest.raises(Died):
        await claim_and_die()
    await fire_due(clockwork.clock, Clocks())
    assert len(await clockwork.published()) == 1


async def test_a_deadline_that_holds_no_message_keeps_no_other_back(clockwork: Clockwork) -> None:
    async with clockwork.protocol.transaction() as uow:
        empty = Pending(uuid4(), 1, clockwork.child, _now() - timedelta(days=1), b"")
        deadlines.put_all(uow, [empty], Clocks().story())
    await clockwork.put(_now() - timedelta(seconds=1))
    assert await fire_due(clockwork.clock, Clocks()) is False
    unreadable, raw = await clockwork.published()
    assert unreadable == b""
    assert isinstance(read(raw).content, DutyStepDue)


async def test_more_than_a_batch_is_due_longest_overdue_first(clockwork: Clockwork) -> None:
    start = _now() - timedelta(hours=1)
    async with clockwork.protocol.transaction() as uow:
        await uow.connection.execute(
            text("""
                INSERT INTO deadlines.due (deadline, version, child, due_at, envelope)
                SELECT gen_random_uuid(), 1, :child, :start + n * interval '1 second', convert_to('{"n": ' || n || '}', 'UTF8')
                FROM generate_series(1, :many) AS n
            """),
            {"child": clockwork.child, "start": start, "many": BATCH + 100},
        )
    assert await fire_due(clockwork.clock, Clocks()) is True
    assert await fire_due(clockwork.clock, Clocks()) is False
    order = [json.loads(raw)["n"] for raw in await clockwork.published()]
    assert order == list(range(1, BATCH + 101))
