"""The exercise report, on a real PostgreSQL: said once a round whoever says it, marked, and to the exercise authority alone."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine
from prometheus_client import REGISTRY
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.settings import CaseworkSettings
from services.options.exercise_reports.reporter import ExerciseReporter, NobodyToExerciseWith
from services.platform.messages.envelope import Received, read
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.child_events.events import ChildReportedMissing, ReportRetracted
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message
from tests.support.engines.database import Database
from tests.support.histories.reading import unsent_of

KEY = b64encode(b"k" * 32).decode()
ROUND = datetime(2026, 11, 24, 22, 15, tzinfo=UTC)


@pytest.fixture
async def child(engine: AsyncEngine) -> AsyncIterator[tuple[str, str]]:
    """The one child of an exercise authority of this test's own."""
    authority, child = f"exercise-{uuid4().hex[:8]}", new_id("child")
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO register.authorities (id, name) VALUES (:a, :a)"), {"a": authority})
        await connection.execute(
            text("INSERT INTO register.children (id, authority, reference, code) VALUES (:c, :a, 'exercise', 'X1')"),
            {"c": child, "a": authority},
        )
    yield authority, child
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM register.children WHERE id = :c"), {"c": child})
        await connection.execute(text("DELETE FROM register.authorities WHERE id = :a"), {"a": authority})


async def said(engine: AsyncEngine, child: str) -> list[Received[Message]]:
    async with engine.connect() as connection:
        return [read(each.envelope) for each in await unsent_of(connection, child)]


async def test_a_round_is_a_report_and_before_anybody_is_asked_again_its_end(
    engine: AsyncEngine, child: tuple[str, str]
) -> None:
    exercising = ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0])
    with time_machine.travel(ROUND, tick=False) as clock:
        await exercising.turn()
        await exercising.turn()
        assert [type(each.content) for each in await said(engine, child[1])] == [ChildReportedMissing]
        clock.shift(239)
        await exercising.turn()
        assert len(await said(engine, child[1])) == 1
        clock.shift(2)
        await exercising.turn()
    report, end = await said(engine, child[1])
    assert isinstance(end.content, ReportRetracted)
    assert end.content.proof == "agency"
    assert (report.exercise, end.exercise) == (True, True)
    assert report.time == ROUND
    assert report.trace == end.trace


async def test_two_processes_say_the_same_so_it_is_heard_once(engine: AsyncEngine, child: tuple[str, str]) -> None:
    with time_machine.travel(ROUND, tick=False) as clock:
        await ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0]).turn()
        clock.shift(3)
        await ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0]).turn()
    first, second = await said(engine, child[1])
    assert (first.source, first.id, first.content_hash) == (second.source, second.id, second.content_hash)


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (datetime(2026, 11, 24, 11, tzinfo=UTC), 1),
        (datetime(2026, 11, 24, 22, 15, tzinfo=UTC), 0),
        (datetime(2026, 12, 28, 11, tzinfo=UTC), 0),
    ],
    ids=["a Tuesday", "at night", "the substitute for Boxing Day"],
)
async def test_it_says_when_mails_are_due_so_that_nobody_is_warned_of_a_bank_holiday(
    engine: AsyncEngine, child: tuple[str, str], moment: datetime, due: int
) -> None:
    with time_machine.travel(moment, tick=False):
        await ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0]).turn()
    assert REGISTRY.get_sample_value("exercise_mails_due") == due


async def test_the_next_round_is_another_report(engine: AsyncEngine, child: tuple[str, str]) -> None:
    exercising = ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0])
    with time_machine.travel(ROUND, tick=False) as clock:
        await exercising.turn()
        clock.shift(900)
        await exercising.turn()
    assert len({each.id for each in await said(engine, child[1])}) == 2


async def test_a_process_that_missed_the_quarter_reports_at_once_and_then_ends_its_own_report(
    engine: AsyncEngine, child: tuple[str, str]
) -> None:
    exercising = ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0])
    with time_machine.travel(ROUND.replace(minute=22, second=40), tick=False) as clock:
        await exercising.turn()
        (report,) = await said(engine, child[1])
        assert isinstance(report.content, ChildReportedMissing)
        assert report.time == ROUND.replace(minute=22)
        clock.shift(240)
        await exercising.turn()
        await exercising.turn()
        assert [type(each.content) for each in await said(engine, child[1])] == [ChildReportedMissing, ReportRetracted]
        clock.move_to(ROUND.replace(minute=30))
        await exercising.turn()
    assert [each.time.minute for each in await said(engine, child[1])] == [22, 26, 30]


@pytest.mark.parametrize("minute", [26, 27])
async def test_so_near_the_next_quarter_a_process_waits_for_it(
    engine: AsyncEngine, child: tuple[str, str], minute: int
) -> None:
    exercising = ExerciseReporter(Store(engine, origin=Origin("casework", Clocks())), Clocks(), child[0])
    with time_machine.travel(ROUND.replace(minute=minute), tick=False) as clock:
        await exercising.turn()
        assert await said(engine, child[1]) == []
        clock.move_to(ROUND.replace(minute=30, second=1))
        await exercising.turn()
    assert [each.time.minute for each in await said(engine, child[1])] == [30]


async def test_without_a_child_of_its_own_it_says_nothing_and_that_is_an_obstacle(engine: AsyncEngine) -> None:
    with time_machine.travel(ROUND, tick=False), pytest.raises(NobodyToExerciseWith):
        await ExerciseReporter(
            Store(engine, origin=Origin("casework", Clocks())), Clocks(), "exercise-of-nobody"
        ).turn()


def test_an_authority_with_real_recipients_cannot_be_named_by_mistake(database: Database) -> None:
    given = database.settings("casework").model_dump() | {
        "master_key": KEY,
        "phone_key": KEY,
    }
    assert CaseworkSettings.model_validate(given).exercise_authority == ""
    assert CaseworkSettings.model_validate(given | {"exercise_authority": "exercise-north"}).exercise_authority
    with pytest.raises(ValidationError, match="exercise_authority"):
        CaseworkSettings.model_validate(given | {"exercise_authority": "kestrel"})
