"""Of two words of one thing the newer holds, in whatever order they come; what is over is forgotten, and what is kept is bounded."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.protocol.policy.case import DutyOfCase, Facts, Marked, Record, Telling
from services.protocol.policy.rule_engine.waits import morning_of
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import EpisodeState, Verdict
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ANN = "person-00000000-0000-4000-8000-00000000000a"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
CLOSED = events.PoliceClosed(**SAID, force="north-force", reply="r")
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", proof=events.Proof.AGENCY)
REFUSED = events.AsylumDecisionRecorded(**SAID, outcome=events.AsylumOutcome.REFUSED)
ASKED = {"id": "asked", "on": "child.reported-missing"}
LATE = {"id": "late", "on": "report.late"}
STEPS = {"otherwise": [{"after": "10m", "tell": "duty.senior-manager", "by": "text", "repeat": "10m"}]}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any]) -> None:
        super().__init__(CHILD, FACTS, only(*rules, watch_on=["decision.refused"]))


def at(hours: float) -> Any:
    return START + timedelta(hours=hours)


@pytest.mark.parametrize("newest_first", [False, True])
def test_of_photographs_checks_and_decisions_the_newest_is_kept(newest_first: bool) -> None:
    child = Child()
    for each in (2, 1) if newest_first else (1, 2):
        child.hears(care_events.PhotographRecorded(**SAID, taken_on=date(2026, 11, each)), 9)
        child.hears(care_events.ContactsChecked(**SAID), 9, came_about=each)
        child.hears(REFUSED, 9, came_about=each)
    assert child.case.record.photo_taken_on == date(2026, 11, 2)
    assert (child.case.record.contacts_checked_at, child.case.watched_since) == (at(2), at(2))


def test_when_leave_runs_out_is_what_was_said_last_of_it_and_an_unknown_date_changes_nothing() -> None:
    child = Child()
    said: list[tuple[Message, int]] = [
        (care_events.LeaveGranted(**SAID, expires_on=date(2027, 1, 1)), 1),
        (care_events.LeaveExpiring(**SAID, expires_on=date(2027, 2, 1)), 2),
        (care_events.LeaveExpiring(**SAID), 2),
        (care_events.LeaveGranted(**SAID, expires_on=date(2027, 3, 1)), 3),
    ]
    for content, month in said:
        child.hears(content.model_copy(update={"expires_on": date(2030, 1, 1)}), exercise=True)
        child.hears(content)
        assert child.case.leave_expires_on == date(2027, month, 1)


@pytest.mark.parametrize(("hour", "verdict"), [(1, Verdict.OUTGROWN), (2, None), (3, None)])
def test_a_review_counts_for_the_watch_that_was_open_by_then(hour: int, verdict: Verdict | None) -> None:
    for goes_on in (False, True):
        child = Child({"id": "opened", "on": "watch.opened"}, {"id": "ended", "on": "watch.ended"})
        child.hears(REFUSED, 2)
        decision = child.hears(events.WatchReviewed(**SAID, goes_on=goes_on), 5, came_about=hour)
        assert [each.rule for each in decision.duties] == ([] if verdict else ["opened" if goes_on else "ended"])
        assert verdict in {None, *(each.verdict for each in decision.decided)}
        assert child.case.watched_since == (at(2) if verdict else at(hour) if goes_on else None)


def test_the_days_of_a_watch_count_from_its_beginning_whatever_is_learnt_late_of_the_decision() -> None:
    child = Child({"id": "review", "on": "watch.opened", "period": "28d", "until": ["watch.opened"]})
    sent = REFUSED.model_copy(update={"sent_on": date(2026, 10, 1)})
    assert [each.due_at for each in child.hears(sent).deadlines] == [datetime(2026, 12, 22, 9, tzinfo=UTC)]
    older = child.hears(REFUSED, 48, came_about=-240)
    assert [each.due_at for each in older.deadlines] == [datetime(2026, 12, 22, 9, tzinfo=UTC)]


@pytest.mark.parametrize("over", [BACK, events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)])
@pytest.mark.parametrize("late", [MISSING, events.ChildReportedMissing(**SAID)], ids=["carer", "agency"])
@pytest.mark.parametrize(("hour", "told"), [(1, ["late"]), (3, ["asked"])])
def test_a_report_older_than_what_ended_an_episode_opens_no_other_and_a_person_hears_of_it_once(
    over: Message, late: Message, hour: int, told: list[str]
) -> None:
    child = Child(ASKED, LATE)
    child.hears(MISSING)
    child.hears(over, 2)
    assert [each.rule for each in child.hears(late, 4, came_about=hour).duties] == told
    assert len(child.case.episodes) == (1 if told == ["late"] else 2)


def test_whoever_texted_it_hears_that_it_starts_no_search_and_the_other_carers_do_not() -> None:
    child = Child(LATE | {"tell": "carer.reporting", "among": "speaker"})
    child.hears(MISSING)
    child.hears(BACK, 2)
    bob = MISSING.model_copy(update={"said_by": ANN.replace("0a", "0b")})
    told = child.hears(bob, 4, came_about=1).duties
    assert [getattr(each, "person", None) for each in told] == [bob.said_by]
    assert child.hears(events.ChildReportedMissing(**SAID), 5, came_about=1).duties == [], "no carer texted it"


@pytest.mark.parametrize("reported", [True, False])
@pytest.mark.parametrize("over", [BACK, events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)])
def test_an_end_that_is_said_by_a_clock_ahead_of_ours_makes_no_later_report_an_older_one(
    over: Message, reported: bool
) -> None:
    child = Child(ASKED)
    if reported:
        child.hears(MISSING)
    child.hears(over, 2, came_about=2.08)
    assert [each.rule for each in child.hears(MISSING, 2.03).duties] == ["asked"]
    assert EpisodeState.MISSING in {each.state for each in child.case.episodes.values()}


def test_nor_does_it_make_the_word_that_the_child_is_not_back_an_older_one() -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    child.hears(BACK, 2, came_about=2.08)
    child.hears(NOT_BACK, 2.03)
    assert [each.state for each in child.case.episodes.values()] == [EpisodeState.MISSING]


@pytest.mark.parametrize(("hour", "state"), [(1, EpisodeState.RETURNED), (2, EpisodeState.MISSING)])
def test_a_return_is_taken_back_by_a_word_that_is_not_older_than_it(hour: int, state: EpisodeState) -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    child.hears(BACK, 2)
    child.hears(NOT_BACK, 3, came_about=hour)
    assert [each.state for each in child.case.episodes.values()] == [state]


def test_a_correction_puts_an_end_to_what_counts_from_the_wrong_day_and_to_nothing_else() -> None:
    child = Child(
        {"id": "appeal", "on": "decision.dated", "period": "28d"},
        {"id": "other", "on": "nrm.negative", "period": "28d"},
    )
    (wrong,) = child.hears(REFUSED.model_copy(update={"sent_on": date(2026, 11, 20)})).deadlines
    child.hears(REFUSED.model_copy(update={"sent_on": date(2026, 11, 20)}), exercise=True)
    child.hears(events.NrmDecisionRecorded(**SAID, stage="reasonable-grounds", positive=False))
    right = child.hears(REFUSED.model_copy(update={"sent_on": date(2026, 11, 21), "corrects": True}), 1)
    assert right.cancelled == [wrong.deadline]
    assert len(right.deadlines) == 1
    stood_down = [(each.rule, each.cause.exercise, each.stood_down) for each in child.case.waiting.values()]
    assert stood_down == [
        ("appeal", False, "superseded"),
        ("appeal", True, None),
        ("other", False, None),
        ("appeal", False, None),
    ]


def test_a_mark_knows_since_when_and_an_older_word_leaves_it() -> None:
    child = Child()
    child.hears(care_events.AgeDisputeOpened(**SAID), 5)
    child.hears(care_events.AgeDisputeOpened(**SAID), 6, came_about=4)
    assert child.case.record.marks[Mark.AGE_DISPUTED] == Marked(on=True, since=at(5))
    child.hears(care_events.AgeDisputeOpened(**SAID), 7)
    assert child.case.record.marks[Mark.AGE_DISPUTED] == Marked(on=True, since=at(7))


def test_a_child_who_is_seen_after_the_last_report_is_missing_again_only_by_a_later_one() -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    child.hears(LOCATED, 2)
    (found,) = child.case.episodes.values()
    assert (found.state, found.located_at) == (EpisodeState.LOCATED, at(2))
    for hour, state in ((1, EpisodeState.LOCATED), (2, EpisodeState.LOCATED), (3, EpisodeState.MISSING)):
        child.hears(MISSING, 4, came_about=hour)
        (found,) = child.case.episodes.values()
        assert (found.state, found.last_report_at) == (state, at(hour))
    assert [each.at for each in found.reports] == [at(0), at(1), at(2), at(3)]


@pytest.mark.parametrize("came_about", [0.5, 1, 2])
def test_a_return_without_any_episode_makes_a_report_from_before_it_a_late_one(came_about: float) -> None:
    child = Child(LATE, ASKED)
    child.hears(BACK, 1)
    child.hears(BACK, 1, came_about=0.7)
    assert [each.returned_at for each in child.case.episodes.values()] == [at(1)]
    late = came_about < 1
    assert [each.rule for each in child.hears(MISSING, 3, came_about=came_about).duties] == [
        "late" if late else "asked"
    ]


def test_when_another_episode_opens_what_is_over_is_forgotten_and_what_is_still_asked_is_not() -> None:
    child = Child(ASKED, {"id": "asks-on", "on": "child.returned", **STEPS}, {"id": "w", "on": "child.returned", "period": "90d"})  # fmt: skip
    child.hears(MISSING)
    child.hears(BACK, 1)
    assert {each.rule for each in child.case.waiting.values()} == {"w"}
    child.hears(CLOSED, 2)
    assert {each.rule for each in child.case.duties.values()} == {"asked", "asks-on"}
    child.hears(MISSING, 3)
    assert [each.rule for each in child.case.duties.values()] == ["asks-on", "asked"]
    assert {each.rule for each in child.case.waiting.values()} == {"w"}


def test_the_openings_of_no_more_than_thirty_episodes_are_kept() -> None:
    child = Child(ASKED)
    child.case = child.case.model_copy(update={"record": Record(opened=tuple(at(-each) for each in range(40, 5, -1)))})
    child.hears(MISSING)
    assert child.case.record.opened == (*(at(-each) for each in range(34, 5, -1)), at(0))


def test_a_duty_keeps_its_first_and_its_newest_tellings_and_one_of_them_can_change_in_its_place() -> None:
    child = Child(ASKED | STEPS)
    decision = child.hears(MISSING)
    for _ in range(20):
        (due,) = decision.deadlines
        decision = child.hears(due.content, (due.due_at - START) / timedelta(hours=1))
    (duty,) = child.case.duties.values()
    kept = [*range(8), *range(13, 21)]
    assert [each.step for each in duty.tellings] == kept
    assert duty.told == 21
    changed = duty.with_telling(_changed(duty, 15))
    assert ([each.step for each in changed.tellings], changed.told) == (kept, 21)
    assert [each.step for each in changed.tellings if each.state == "delivered"] == [15]
    assert (duty.telling(12), duty.telling(13)) == (None, duty.tellings[8])


def _changed(duty: DutyOfCase, step: int) -> Telling:
    found = duty.telling(step)
    assert found is not None
    return found.model_copy(update={"state": "delivered"})


def test_a_copied_state_is_whole_it_can_be_copied_again_sent_and_compared() -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    (duty,) = child.case.duties.values()
    copied = duty.model_copy(update={"revision": 9})
    assert copied.revision == 9
    for again in (copy.copy(copied), copy.deepcopy(copied), pickle.loads(pickle.dumps(copied)), copied.model_copy()):  # noqa: S301
        assert again == copied
    deep = duty.model_copy(update={"revision": 9}, deep=True)
    assert deep == copied
    assert deep.cause is not duty.cause
    assert copied.cause is duty.cause, "what did not change is shared"
    assert copied.model_fields_set == duty.model_fields_set


def test_a_case_names_every_protocol_by_which_something_of_it_still_goes() -> None:
    child = Child(ASKED, {"id": "waits", "on": "child.reported-missing", "period": "1h"})
    child.hears(MISSING)
    for kind, name in (("episodes", "a"), ("duties", "b"), ("waiting", "c")):
        held = {key: each.model_copy(update={"protocol": name}) for key, each in getattr(child.case, kind).items()}
        child.case = child.case.model_copy(update={kind: held})
    assert child.case.protocols() == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("history", "said", "exercise", "kept"),
    [
        ((), BACK, False, False),
        ((), BACK, True, False),
        ((), events.ChildReturned(**SAID, channel="text"), False, False),
        ((MISSING, BACK), BACK, False, True),
        ((MISSING,), BACK, False, False),
    ],
    ids=["of a child who was not missing", "an exercise", "said by a stranger", "of one who was", "of one who is"],
)
def test_only_a_return_that_is_said_again_is_kept_by_itself(
    history: tuple[Message, ...], said: Message, exercise: bool, kept: bool
) -> None:
    child = Child(ASKED)
    for each in history:
        child.hears(each)
    child.hears(said, 5, exercise=exercise)
    assert child.case.returned_at == (at(5) if kept else None)


@pytest.mark.parametrize(("minutes", "told"), [(-1, False), (0, True)])
def test_what_is_learnt_at_the_very_moment_for_which_it_would_wait_is_told_at_once(minutes: int, told: bool) -> None:
    day = date(2026, 12, 1)
    child = Child({"id": "near", "on": "leave.granted", "before": {"date": "leave.expires", "by": ["0d"]}})
    hours = (morning_of(day) - START) / timedelta(hours=1) + minutes / 60
    decision = child.hears(care_events.LeaveGranted(**SAID, expires_on=day), hours)
    assert (len(decision.duties), len(decision.deadlines)) == ((1, 0) if told else (0, 1))
