"""What the pages show of how things stand."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.console.policy.status import (
    CaseLine,
    DutyLine,
    RecordedMessage,
    UpcomingStep,
    episode_line,
    is_overdue,
    overview,
)
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged
from services.safeguarding.identifiers import new_id, provisional_child
from services.safeguarding.roles import Role, Wording
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step

SOON = REPORTED_AT + timedelta(minutes=5)
LATER = REPORTED_AT + timedelta(minutes=15)


def recorded_episode(content: EpisodeChanged, child: str | None = None) -> RecordedMessage[EpisodeChanged]:
    return RecordedMessage("", child or new_id("child"), REPORTED_AT, exercise=False, content=content)


def recorded(content: DutyChanged) -> RecordedMessage[DutyChanged]:
    return RecordedMessage("", new_id("child"), REPORTED_AT, exercise=False, content=content)


def later_duty(episode: UUID, rule: str, at: datetime) -> RecordedMessage[RuleDue]:
    content = RuleDue(
        authority="kestrel", deadline=uuid4(), version=1, rule=rule, episode=episode, wording=Wording("still-missing"),
        role=Role.DUTY_WORKER,
    )  # fmt: skip
    return RecordedMessage("", new_id("child"), at, exercise=False, content=content)


def test_delivered_is_not_reached_where_somebody_has_still_to_answer() -> None:
    episode = episode_changed(uuid4())
    delivered = duty_changed(
        episode.episode, step(0, Role.DUTY_WORKER, "delivered"), state="accepted", next_step_at=SOON
    )
    line = episode_line(recorded_episode(episode), [recorded(delivered)])
    assert [each.last_role for each in line.waiting] == [Role.DUTY_WORKER]


def test_a_duty_that_asks_for_no_answer_is_reached_when_taken() -> None:
    episode = episode_changed(uuid4())
    carer_told = duty_changed(
        episode.episode, step(0, Role.CARER_REPORTING, "accepted"), state="accepted", ended_because="accepted-is-enough"
    )
    line = episode_line(recorded_episode(episode), [recorded(carer_told)])
    assert line.waiting == ()


def test_a_duty_that_fell_away_waits_for_nobody() -> None:
    episode = episode_changed(uuid4())
    line = episode_line(recorded_episode(episode), [recorded(duty_changed(episode.episode, state="cancelled"))])
    assert line.waiting == ()


def test_an_overdue_duty_waits_and_is_the_most_pressing() -> None:
    episode = episode_changed(uuid4())
    overdue = duty_changed(episode.episode, step(0, Role.DUTY_HEAD_OF_SERVICE), state="overdue", next_step_at=LATER)
    open_ = duty_changed(episode.episode, step(0, Role.DUTY_WORKER), next_step_at=SOON)
    line = episode_line(recorded_episode(episode), [recorded(open_), recorded(overdue)])
    assert [each.overdue for each in line.waiting] == [True, False]
    assert [each.duty.content.duty for each in line.waiting] == [overdue.duty, open_.duty]
    assert line.upcoming[0] == UpcomingStep(SOON, Role.DUTY_SENIOR_MANAGER, Wording("missing-notice"))


def test_what_comes_next_may_be_a_later_duty_of_this_episode() -> None:
    episode = episode_changed(uuid4())
    due = [
        later_duty(episode.episode, "still-missing-48-hours", LATER),
        later_duty(episode.episode, "still-missing-24-hours", SOON),
    ]
    line = episode_line(recorded_episode(episode), [], [*due, later_duty(uuid4(), "anothers", REPORTED_AT)])
    assert [each.at for each in line.later] == [SOON, LATER]
    assert line.upcoming[0] == UpcomingStep(SOON, Role.DUTY_WORKER, Wording("still-missing"))


def test_an_overdue_duty_without_a_next_step_still_waits() -> None:
    assert duty_changed(uuid4(), state="overdue").goes_on


def test_an_acknowledged_duty_waits_for_nobody() -> None:
    assert not duty_changed(uuid4(), state="acknowledged").goes_on


def case(
    state: str = "missing", *, opened_at: datetime = REPORTED_AT, overdue: int = 0, exercise: bool = False,
    police: str = "accepted",
) -> CaseLine:  # fmt: skip
    content = episode_changed(uuid4(), state=state, opened_at=opened_at)
    episode = RecordedMessage("", new_id("child"), REPORTED_AT, exercise=exercise, content=content)
    notice = duty_changed(content.episode, step(0, Role.POLICE_CONTROL_ROOM, police)).model_dump(mode="json")
    return CaseLine(episode, "C17", 3, 1, 2, overdue, (), None, (notice,))


def test_a_case_that_police_do_not_have_goes_before_all_that_is_overdue_and_is_counted() -> None:
    late, refused = case(overdue=3), case(opened_at=REPORTED_AT + timedelta(hours=1), police="failed")
    back, practice = case("returned", police="failed"), case(police="failed", exercise=True)
    shown = overview([late, refused, back, practice], [], REPORTED_AT)
    assert shown.cases[:2] == (refused, late)
    assert shown.not_told == {refused.reference}
    assert shown.urgent[0] == f"{refused.reference}-police"


def test_what_is_overdue_comes_first_then_children_not_back_the_longest_open_first_and_practice_is_counted_nowhere() -> (
    None
):
    back = case("returned", opened_at=REPORTED_AT - timedelta(days=1))
    young, old = case(), case(opened_at=REPORTED_AT - timedelta(hours=9))
    late = case(opened_at=REPORTED_AT + timedelta(hours=1), overdue=2)
    practice = case(overdue=5, exercise=True)
    beside = DutyLine(recorded(duty_changed(None, step(0, Role.DUTY_WORKER), state="overdue")))
    shown = overview([back, young, old, late, practice], [beside], REPORTED_AT)
    assert shown.cases == (late, old, young, back)
    assert (shown.practice, shown.not_back, shown.overdue) == ((practice,), 3, 3)
    assert shown.urgent == (f"{late.reference}-2", old.reference, young.reference, str(beside.duty.content.duty))


@pytest.mark.parametrize(
    ("duty", "overdue"),
    [
        (duty_changed(None, step(0, Role.POLICE_CONTROL_ROOM)), False),
        (duty_changed(None, step(0, Role.POLICE_CONTROL_ROOM), step(1, Role.DUTY_WORKER)), True),
        (duty_changed(None, step(0, Role.DUTY_WORKER, "failed"), step(1, Role.DUTY_SENIOR_MANAGER)), False),
        (duty_changed(None, step(0, Role.DUTY_WORKER), state="overdue"), True),
        (duty_changed(None, step(0, Role.DUTY_WORKER), step(1, Role.DUTY_WORKER), state="acknowledged"), False),
    ],
    ids=["asked once", "the next person is asked", "nobody was in the role", "nobody else to ask", "answered"],
)
def test_a_duty_is_overdue_once_the_first_time_to_answer_has_passed(duty: DutyChanged, overdue: bool) -> None:
    assert is_overdue(duty) is overdue


def test_a_child_that_nobody_has_identified_is_said_to_be_so() -> None:
    episode = recorded_episode(episode_changed(uuid4()), provisional_child("a text"))
    assert CaseLine(episode, None, 0, 0, 0, 0, (), None).unidentified
    assert not case().unidentified
