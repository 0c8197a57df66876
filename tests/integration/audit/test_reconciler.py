"""What should have happened and did not, found in the record on a real PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.audit import metrics
from services.audit.policy.consequences import Gap
from services.audit.reconciler import FIRST_LOOK, Found, Reconciler, find_gaps
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveriesAttempted,
    DeliveryAttempted,
    MessageDecided,
    ProtocolDecided,
    Verdict,
)
from services.safeguarding.duty.duties import Because, DutyAccepted, DutyAcknowledged, DutyOutcomes, PoliceNotify
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel, Role, Wording
from tests.support.engines.database import Database
from tests.support.in_process.audit import heard, opened, record
from tests.support.in_process.console import duty_changed

AN_HOUR = timedelta(hours=1)
DUTY = UUID("5b0f2b3e-51a5-4c1e-9d7c-0d2f6d1c6a10")


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store


def decided(about_id: str, verdict: Verdict = Verdict.ALREADY_SO, duty: UUID | None = None) -> ProtocolDecided:
    return ProtocolDecided(
        authority="kestrel", about="-", about_id=about_id, verdict=verdict, protocol="p 1", duty=duty
    )


def told(duty: UUID, act: str = "tell") -> PoliceNotify:
    return PoliceNotify.model_validate(
        {
            "duty": duty, "step": 0, "revision": 1, "act": act, "because": Because.FIRST, "authority": "kestrel",
            "role": Role.POLICE_CONTROL_ROOM, "channel": Channel.WEBHOOK, "wording": Wording("missing-notice"),
            "rule": "tell-police-missing", "protocol": "p 1", "cites": (), "created_at": datetime.now(UTC),
        }
    )  # fmt: skip


def attempted(duty: UUID) -> DeliveryAttempted:
    return DeliveryAttempted(
        authority="kestrel", delivery=uuid4(), duty=duty, step=0, attempt=1, medium="webhook",
        result=AttemptResult.RETRY, took_ms=1, body_hash="00",
    )  # fmt: skip


async def found_of(store: Store, child: str, after: timedelta = AN_HOUR) -> list[tuple[Gap, int | None]]:
    """As a look `after` from now would find it."""
    at = datetime.now(UTC) + after
    async with store.engine.connect() as connection:
        found = await find_gaps(connection, wall=at, story=at, since=at - FIRST_LOOK)
    return sorted((each.gap, each.position) for each in found if each.chain == child)


async def test_a_report_that_was_not_decided_upon_is_a_gap_until_it_is(store: Store) -> None:
    child = new_id("child")
    await record(store, heard(ChildReportedMissing(authority="kestrel"), child, id_="report-1"))
    assert await found_of(store, child, timedelta(minutes=1)) == []
    assert await found_of(store, child) == [(Gap.EVENT_UNDECIDED, 1)]
    await record(store, heard(decided("report-1"), child))
    assert await found_of(store, child) == []


async def test_what_is_told_of_a_provisional_child_is_decided_upon_in_the_chain_of_the_child_it_was(
    store: Store,
) -> None:
    provisional, child, other = new_id("provisional"), new_id("child"), new_id("child")
    for each in (provisional, other):
        told_of = DutyAcknowledged(duty=uuid4(), step=0, authority="kestrel", how="text")
        await record(store, heard(told_of, each, id_=f"outcome-of-{each}"))
        assert await found_of(store, each) == [(Gap.OUTCOME_NOT_TAKEN, 1)]
        await record(store, heard(decided(f"outcome-of-{each}"), child))
    assert await found_of(store, provisional) == []
    assert await found_of(store, other) == [(Gap.OUTCOME_NOT_TAKEN, 1)]


async def test_a_gap_that_nobody_fills_counts_for_thirty_days_however_long_the_process_runs(store: Store) -> None:
    child = new_id("child")
    await record(store, heard(ChildReportedMissing(authority="kestrel"), child))
    at, found = datetime.now(UTC) + AN_HOUR, frozenset[Found]()
    async with store.engine.connect() as connection:
        for later, counted in ((timedelta(), 1), (FIRST_LOOK - 2 * AN_HOUR, 1), (FIRST_LOOK, 0)):
            wall = at + later
            found = await find_gaps(connection, wall=wall, story=at, since=wall - 2 * AN_HOUR, known=found)
            assert len([each for each in found if each.chain == child]) == counted


async def test_an_answer_that_the_protocol_never_took_is_a_gap(store: Store) -> None:
    child = new_id("child")
    await record(store, heard(DutyAcknowledged(duty=uuid4(), step=0, authority="kestrel", how="text"), child))
    assert await found_of(store, child) == [(Gap.OUTCOME_NOT_TAKEN, 1)]


async def test_a_duty_that_was_decided_and_never_given_out_is_a_gap(store: Store) -> None:
    child, duty = new_id("child"), uuid4()
    await record(store, heard(decided("report-1", Verdict.TOLD, duty), child))
    assert await found_of(store, child) == [(Gap.DUTY_NEVER_TOLD, 1)]
    await record(store, heard(told(duty), child), heard(attempted(duty), child))
    assert await found_of(store, child) == []


async def test_of_what_travels_together_each_fact_is_a_gap_of_its_own_until_it_has_its_answer(store: Store) -> None:
    child, one, other = new_id("child"), uuid4(), uuid4()
    outcomes = DutyOutcomes(
        authority="kestrel",
        accepted=tuple(DutyAccepted(duty=each, step=0, authority="kestrel") for each in (one, other)),
    )
    await record(store, heard(outcomes, child, id_="outcomes-1"))
    assert await found_of(store, child) == [(Gap.OUTCOME_NOT_TAKEN, 1)]
    verdicts = tuple(decided("outcomes-1", Verdict.TOLD, duty) for duty in (one, other))
    whole = MessageDecided(authority="kestrel", about=outcomes.kind, about_id="outcomes-1", verdicts=verdicts)
    await record(store, heard(whole, child))
    assert await found_of(store, child) == [(Gap.DUTY_NEVER_TOLD, 2), (Gap.DUTY_NEVER_TOLD, 2)]
    await record(store, heard(told(one), child))
    assert await found_of(store, child) == [(Gap.DUTY_NEVER_TOLD, 2)]
    await record(store, heard(told(other), child))
    assert await found_of(store, child) == []


async def test_attempts_that_travel_together_answer_each_telling(store: Store) -> None:
    child, duties = new_id("child"), [uuid4() for _ in range(3)]
    await record(store, *(heard(told(each), child) for each in duties))
    assert await found_of(store, child) == [(Gap.TELLING_NOT_TRIED, place) for place in (1, 2, 3)]
    attempts = DeliveriesAttempted(authority="kestrel", attempts=tuple(attempted(each) for each in duties[:2]))
    await record(store, heard(attempts, child))
    assert await found_of(store, child) == [(Gap.TELLING_NOT_TRIED, 3)]


async def test_the_same_answer_in_another_childs_chain_closes_no_gap(store: Store) -> None:
    child, other = new_id("child"), new_id("child")
    await record(store, heard(ChildReportedMissing(authority="kestrel"), child, id_="report-1"))
    await record(store, heard(decided("report-1"), other))
    assert await found_of(store, child) == [(Gap.EVENT_UNDECIDED, 1)]


async def test_each_duty_of_one_decision_is_known_in_its_newest_state(store: Store) -> None:
    child, one, other, now = new_id("child"), uuid4(), uuid4(), datetime.now(UTC)
    first, second = (
        MessageDecided(
            authority="kestrel",
            about="-",
            about_id="x",
            duties=(
                duty_changed(None, duty=one, revision=revision, next_step_at=now),
                duty_changed(None, duty=other, revision=revision, state=state, next_step_at=now),
            ),
        )
        for revision, state in ((1, "open"), (2, "acknowledged"))
    )
    await record(store, heard(first, child))
    assert await found_of(store, child) == [(Gap.STEP_NOT_TAKEN, None)] * 2
    await record(store, heard(second, child), heard(first, child))
    assert await found_of(store, child) == [(Gap.STEP_NOT_TAKEN, None)]


@pytest.mark.parametrize(
    "answer",
    [
        attempted,
        lambda duty: told(duty, "withdraw"),
        lambda duty: duty_changed(None, duty=duty, revision=2, state="acknowledged", ended_because="answered"),
        lambda duty: duty_changed(None, duty=duty, revision=2, state="accepted", ended_because="accepted-is-enough"),
    ],
    ids=["an attempt", "a withdrawal", "the duty's end", "that it was accepted, which is enough"],
)
async def test_a_telling_that_nobody_tried_to_deliver_is_a_gap_unless_there_is(
    store: Store, answer: Callable[[UUID], Message]
) -> None:
    child, duty = new_id("child"), uuid4()
    await record(store, heard(told(duty), child), heard(duty_changed(None, duty=duty), child))
    assert await found_of(store, child, timedelta(minutes=4)) == []
    assert await found_of(store, child) == [(Gap.TELLING_NOT_TRIED, 1)]
    await record(store, heard(answer(duty), child))
    assert await found_of(store, child) == []


async def test_a_step_whose_time_is_over_is_a_gap_until_the_duty_goes_on(store: Store) -> None:
    child, duty, now = new_id("child"), uuid4(), datetime.now(UTC)
    await record(store, heard(duty_changed(None, duty=duty, revision=1, next_step_at=now), child))
    assert await found_of(store, child, timedelta(minutes=1)) == []
    assert await found_of(store, child) == [(Gap.STEP_NOT_TAKEN, None)]
    await record(store, heard(duty_changed(None, duty=duty, revision=2, next_step_at=now + 2 * AN_HOUR), child))
    assert await found_of(store, child) == []
    await record(store, heard(duty_changed(None, duty=duty, revision=1, next_step_at=now), child))
    assert await found_of(store, child) == []


async def test_a_gap_is_measured_when_two_looks_have_seen_it_and_no_more_when_it_is_closed(store: Store) -> None:
    child, duty = new_id("child"), uuid4()
    await record(store, heard(decided("x", Verdict.TOLD, duty), child))
    reconciler = Reconciler(store, _Later())
    gauge = metrics.GAPS.labels(Gap.DUTY_NEVER_TOLD.value)
    await reconciler.look()
    assert gauge._value.get() == 0
    await reconciler.look()
    before = gauge._value.get()
    assert before >= 1
    await record(store, heard(told(duty), child))
    await reconciler.look()
    assert gauge._value.get() == before - 1


class _Later(Clocks):
    """An hour on, and a minute later at each look, so that only the second look's own window does not reach back."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0

    def wall(self) -> datetime:
        self._looks += 1
        return super().wall() + AN_HOUR * self._looks
