"""What operators see in Grafana is what the database holds, on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from services.console import metrics
from services.console.metrics import MEASURES, GaugeUpdater
from services.console.read_model.projections import Handlers
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.in_process.console import duty_changed, episode_changed, hear, heard, step

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)


async def shown(opened: Store, name: str, **labels: str) -> float:
    await GaugeUpdater(opened, CLOCKS).turn()
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("ended", ["closed", "retracted", "merged"])
async def test_an_open_episode_is_counted_by_its_age_and_leaves_when_it_is_over(opened: Store, ended: str) -> None:
    episode, child = uuid4(), new_id("child")
    labels = {
        "authority": "kestrel", "state": "missing", "age": "24 h to 72 h", "cohort": "unknown", "exercise": "no"
    }  # fmt: skip
    before = await shown(opened, "episodes_open", **labels)
    reported = datetime.now(UTC) - timedelta(hours=30)
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=reported), child))
    assert await shown(opened, "episodes_open", **labels) == before + 1
    over = episode_changed(episode, revision=2, state=ended, opened_at=reported)
    await hear(opened, HANDLERS, heard(over, child))
    assert await shown(opened, "episodes_open", **labels) == before


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("acknowledged", "acknowledged"),
        ("acknowledged", "open"),  # a duty with a deed, until the deed is recorded
        ("accepted", "done"),  # it is, by somebody who did not say that they had it
    ],
)
async def test_an_episode_is_unacknowledged_until_any_one_person_has_it(opened: Store, told: str, state: str) -> None:
    episode, child = uuid4(), new_id("child")
    labels = {"authority": "kestrel", "exercise": "no"}
    before = await shown(opened, "episodes_unacknowledged", **labels)
    reported = datetime.now(UTC) - timedelta(days=400)
    await hear(opened, HANDLERS, heard(episode_changed(episode, opened_at=reported), child))
    assert await shown(opened, "episodes_unacknowledged", **labels) == before + 1
    assert await shown(opened, "episodes_unacknowledged_oldest_seconds", **labels) >= 400 * 86400
    unanswered = duty_changed(episode, step(0, Role.DUTY_WORKER, "accepted"), state="accepted")
    await hear(opened, HANDLERS, heard(unanswered, child))
    assert await shown(opened, "episodes_unacknowledged", **labels) == before + 1
    answered = duty_changed(episode, step(0, Role.DUTY_WORKER, told), state=state)
    await hear(opened, HANDLERS, heard(answered, child))
    assert await shown(opened, "episodes_unacknowledged", **labels) == before


async def test_an_overdue_duty_is_counted_by_its_rule(opened: Store) -> None:
    labels = {"authority": "kestrel", "rule": "tell-police-missing", "state": "overdue", "exercise": "no"}
    before = await shown(opened, "duties_waiting", **labels)
    overdue = duty_changed(uuid4(), step(0, Role.POLICE_CONTROL_ROOM), state="overdue")
    await hear(opened, HANDLERS, heard(overdue, new_id("child")))
    assert await shown(opened, "duties_waiting", **labels) == before + 1


async def test_the_return_interview_clock_runs_from_the_return(opened: Store) -> None:
    labels = {"authority": "kestrel", "condition": "return-interview", "since": "over 72 h"}
    before = await shown(opened, "return_clocks_running", **labels)
    returned = episode_changed(uuid4(), state="returned").model_copy(
        update={"returned_at": datetime.now(UTC) - timedelta(hours=73)}
    )
    await hear(opened, HANDLERS, heard(returned, new_id("child")))
    assert await shown(opened, "return_clocks_running", **labels) == before + 1
    oldest = await shown(opened, "return_clock_oldest_seconds", authority="kestrel", condition="return-interview")
    assert oldest >= 73 * 3600


async def test_how_long_an_answer_took_counts_from_the_first_telling(opened: Store) -> None:
    at = datetime.now(UTC)
    told = step(0, Role.POLICE_CONTROL_ROOM, "accepted", at=at - timedelta(seconds=90))
    answered = step(1, Role.POLICE_CONTROL_ROOM, "acknowledged", at=at)
    duty = duty_changed(uuid4(), told, answered, state="acknowledged").model_copy(update={"authority": "lapwing"})
    await hear(opened, HANDLERS, heard(duty, new_id("child"), at=at))
    assert await shown(opened, "duties_answer_seconds", authority="lapwing", quantile="0.95") == pytest.approx(90)


async def test_what_waits_for_the_clock_too_long_is_seen_without_the_clock(opened: Store, database: Database) -> None:
    deadline = uuid4()
    row = {"deadline": deadline, "due_at": CLOCKS.story() - timedelta(minutes=10)}
    writer = database.engine("protocol")
    async with writer.begin() as connection:
        await connection.execute(
            text("INSERT INTO deadlines.due VALUES (:deadline, 1, 'child-x', :due_at, '', NULL, NULL)"), row
        )
    assert await shown(opened, "deadlines_late_seconds") >= 600
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE deadlines.due SET cancelled_at = due_at WHERE deadline = :deadline"), row)
    await writer.dispose()


async def test_the_database_says_how_it_is(opened: Store) -> None:
    await GaugeUpdater(opened, CLOCKS).turn()
    assert REGISTRY.get_sample_value("database_size_bytes")
    assert REGISTRY.get_sample_value("database_connections")
    assert REGISTRY.get_sample_value("inbox_messages", {"owner": "police"}) is not None
    assert await shown(opened, "standing_measured_timestamp_seconds", group="month") > 0


async def test_a_question_that_fails_holds_up_no_other_for_longer_than_a_turn(
    opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "slow", [("SELECT 1 / 0 AS count", [])])
    metrics.MEASURED.clear()
    updater = GaugeUpdater(opened, CLOCKS)
    begun = measured()
    assert begun.keys() == MEASURES.keys(), "an alert sees what fails from the start"
    with pytest.raises(psycopg.errors.DivisionByZero):
        await updater.turn()
    await updater.turn()
    assert {group for group, at in measured().items() if at > begun[group]} == {"simplest", "urgent", "month"}


def measured() -> dict[str, float]:
    return {sample.labels["group"]: sample.value for each in metrics.MEASURED.collect() for sample in each.samples}
