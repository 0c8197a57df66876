"""The self-tests' part of the record: a chain a day, removed as a whole after ninety days; nothing else is ever removed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from services.audit import commands
from services.audit import store as kept
from services.audit.reconciler import find_gaps
from services.audit.verification import Verified, one_moment, verify_all
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import ProtocolDecided, Verdict
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database
from tests.support.in_process.audit import heard, opened, record, tamper

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store
    await tamper(
        database, "TRUNCATE audit.entries, audit.tips, audit.heads, audit.anchors, audit.duties, audit.removed"
    )


async def exercised(
    store: Store, child: str, days_ago: int, *, authority: str = "exercise-north", exercise: bool = True
) -> str:
    """Two messages and an anchor of that day. Returns their chain."""
    at = NOW - timedelta(days=days_ago)
    with time_machine.travel(at, tick=False):
        report = ChildReportedMissing(authority=authority)
        await record(store, *(heard(report, child, exercise=exercise) for _ in range(2)))
        await anchor(store, at)
    of_self_test = exercise and authority.startswith("exercise")
    return f"{child}/exercise/{at:%Y-%m-%d}" if of_self_test else child


async def anchor(store: Store, at: datetime) -> None:
    async with store.transaction() as uow:
        await kept.anchor(uow, at)


async def remove(store: Store) -> int:
    async with store.transaction() as uow:
        return await kept.remove_old_exercises(uow)


async def lengths(store: Store) -> dict[str, int]:
    """By chain, those that have entries."""
    async with store.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT chain, count(*) AS length FROM audit.entries GROUP BY chain")
        return {row.chain: row.length for row in rows}


async def verified(store: Store) -> Verified:
    async with one_moment(store.engine) as connection:
        return await verify_all(connection)


async def test_a_days_exercises_are_a_chain(store: Store) -> None:
    child = new_id("child")
    days = [await exercised(store, child, each) for each in (2, 1, 0)]
    assert await lengths(store) == dict.fromkeys(days, 2)
    assert (await verified(store)).faults == []


async def test_an_old_one_goes_as_a_whole_and_its_heads_and_anchors_still_verify(store: Store) -> None:
    child = new_id("child")
    old, limit, new = [await exercised(store, child, each) for each in (91, 90, 0)]
    assert await remove(store) == 1
    assert await remove(store) == 0
    assert await lengths(store) == {limit: 2, new: 2}
    found = await verified(store)
    assert (found.chains, found.entries, found.anchors, found.removed, found.faults) == (2, 4, 3, 1, [])
    async with store.engine.connect() as connection:
        assert [head.position for head in await kept.heads_of_chain(connection, old)] == [2]


async def test_no_other_chain_is_touched_however_old(store: Store, database: Database) -> None:
    """Not a child's, not a carer's practice with a real authority, and not one that only bears such a name."""
    real = await exercised(store, new_id("child"), 400, exercise=False)
    practice = await exercised(store, new_id("child"), 400, authority="kestrel")
    named = await exercised(store, f"child-x/exercise/{NOW - timedelta(days=400):%Y-%m-%d}", 400, exercise=False)
    mixed = await exercised(store, new_id("child"), 400)
    await tamper(
        database,
        "UPDATE audit.entries SET envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'exercise-north', 'kestrel'), 'UTF8')"
        " WHERE chain = :chain AND position = 2",
        chain=mixed,
    )
    other_day = await exercised(store, new_id("child"), 400)
    await tamper(
        database,
        "UPDATE audit.entries SET recorded_at = recorded_at + interval '1 day' WHERE chain = :chain AND position = 2",
        chain=other_day,
    )
    assert await remove(store) == 0
    assert (await lengths(store)).keys() == {real, practice, named, mixed, other_day}


async def test_one_that_no_anchor_has_fixed_as_it_stands_stays(store: Store) -> None:
    child = new_id("child")
    chain = await exercised(store, child, 100)
    with time_machine.travel(NOW - timedelta(days=100), tick=False):
        await record(store, heard(ChildReportedMissing(authority="exercise-north"), child, exercise=True))
    assert await remove(store) == 0
    assert await lengths(store) == {chain: 3}


REMOVED = "INSERT INTO audit.removed SELECT chain, position, hash, {at} FROM audit.tips WHERE chain = :chain"


@pytest.mark.parametrize(
    ("days", "exercise", "at"),
    [(400, False, "now()"), (10, True, "now()"), (100, True, "now() - interval '50 days'")],
    ids=["a child's", "one that is young", "one that was young then"],
)
async def test_whoever_removes_another_chain_cannot_say_that_retention_did(
    store: Store,
    database: Database,
    days: int,
    exercise: bool,
    at: str,
) -> None:
    chain = await exercised(store, new_id("child"), days, exercise=exercise)
    await tamper(database, REMOVED.format(at=at), chain=chain)
    await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain", chain=chain)
    assert (await verified(store)).faults == [
        f"{chain}: the whole chain was removed; it had 2 entries when it was last anchored"
    ]


async def test_an_answer_that_is_recorded_after_midnight_is_none_missing(store: Store) -> None:
    child, midnight = new_id("child"), NOW.replace(hour=0) - timedelta(days=1)
    report = ChildReportedMissing(authority="exercise-north")
    decided = ProtocolDecided(
        authority="exercise-north", about="child.reported-missing.v1", about_id="r1", verdict=Verdict.CHANGED,
        protocol="missing-from-care 2026.1",
    )  # fmt: skip
    with time_machine.travel(midnight - timedelta(seconds=2), tick=False):
        await record(
            store, heard(report, child, id_="r1", exercise=True), heard(report, child, id_="r2", exercise=True)
        )
    with time_machine.travel(midnight + timedelta(seconds=2), tick=False):
        await record(store, heard(decided, child, exercise=True))
    async with store.engine.connect() as connection:
        found = await find_gaps(connection, wall=NOW, story=NOW, since=NOW - timedelta(days=3))
    assert [each.what.rpartition(" is ")[2] for each in found] == ['"decided r2"']


async def test_a_replayed_exercise_travels_under_its_child(store: Store) -> None:
    child = new_id("child")
    await exercised(store, child, 0)
    async with store.engine.connect() as connection:
        recorded, _ = await commands.recorded_since(connection, NOW - timedelta(days=1))
    assert {key for key, _, _ in recorded} == {child}
