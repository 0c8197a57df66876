"""A rule that waits: until when, for whom it is told then, what puts it off or ends it, and that the same time never comes twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.protocol.policy.rule_engine.waits import morning_of
from services.protocol.policy.rule_language import grammar
from services.safeguarding.child_events import care_events, events
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.message import Message
from services.safeguarding.roles import Deed
from services.safeguarding.working_time import ENGLAND, in_working_hours, last_working_moment, working_moment
from tests.support.histories.one_child import CHILD, START, OneChild, due
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
ANN = "person-00000000-0000-4000-8000-00000000000a"
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", proof=events.Proof.AGENCY)
ON: dict[str, Any] = {"id": "waits", "on": "child.reported-missing"}
REVIEWED: dict[str, Any] = {"id": "near", "on": "review.due"}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any], facts: Facts = FACTS) -> None:
        super().__init__(CHILD, facts, only(*rules))


def verdicts(decision: Decision) -> list[Verdict]:
    return [each.verdict for each in decision.decided]


def review(on: date, kind: str = "pathway") -> Message:
    return care_events.ReviewDue.model_validate({**SAID, "said_by": ANN, "channel": "text", "on": on, "review": kind})


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def test_a_rule_that_waits_says_of_what_it_is_and_by_which_version_and_is_told_of_its_episode() -> None:
    child = Child(ON | {"period": "2h"})
    deadline = due(child.hears(MISSING, 1, came_about=0))
    (episode,) = child.case.episodes
    content = deadline.content
    assert isinstance(content, RuleDue)
    assert (deadline.due_at, deadline.version, deadline.exercise) == (at(2), 1, False)
    assert (content.authority, content.rule, content.episode) == ("northshire", "waits", episode)
    assert (content.deadline, content.version) == (deadline.deadline, 1)
    assert (child.waiting.rule, child.waiting.protocol, child.waiting.episode) == ("waits", "own", episode)
    (told,) = child.hears(content, 2).duties
    assert (told.episode, told.rule, told.created_at) == (episode, "waits", at(2))
    assert child.case.waiting == {}


@pytest.mark.parametrize(
    ("timing", "hour", "when"),
    [
        ({"period": "2h"}, 1, at(2)),
        ({"wait": "2h"}, 1, at(3)),
        ({"workdays": 1}, 1, datetime(2026, 11, 25, 9, tzinfo=UTC)),
        ({"workdays": 4}, 1, datetime(2026, 11, 30, 9, tzinfo=UTC)),
        ({"hours": "working"}, 1, datetime(2026, 11, 25, 9, tzinfo=UTC)),
        ({"period": "1h", "every": "24h", "hours": "working"}, 0.5, datetime(2026, 11, 25, 9, tzinfo=UTC)),
        ({"wait": "1h", "every": "24h", "hours": "working"}, 15.5, datetime(2026, 11, 25, 10, 30, tzinfo=UTC)),
        ({"wait": "1h", "every": "24h"}, 0.5, at(1.5)),
    ],
)
def test_its_time_is_counted_from_what_happened_or_from_the_decision_or_in_working_hours(
    timing: dict[str, Any], hour: float, when: datetime
) -> None:
    child = Child(ON | timing)
    assert due(child.hears(MISSING, hour, came_about=0)).due_at == when
    assert child.waiting.due_at == when


@pytest.mark.parametrize("day", [date(2027, 3, 27), date(2026, 10, 24), date(2026, 11, 24)])
@pytest.mark.parametrize(("hour", "evening"), [(20, 0), (21, 1)])
def test_an_evening_follows_each_evening_also_where_the_clocks_change(day: date, hour: int, evening: int) -> None:
    came = datetime.combine(day, time(hour), ENGLAND)
    begins = (came - START) / timedelta(hours=1)
    evenings = []
    for period in ("0h", "24h", "48h"):
        child = Child(ON | {"period": period, "hours": "evening"})
        evenings.append(due(child.hears(MISSING, begins)).due_at)
    days = [day + timedelta(days=evening + count) for count in range(3)]
    assert evenings == [datetime.combine(each, time(20, 30), ENGLAND).astimezone(UTC) for each in days]


EVENINGS = [
    ON | {"id": name, "hours": "evening", "period": period}
    for name, period in (("first", "0h"), ("second", "24h"), ("third", "48h"))
]
"""Asked at 2.5, 26.5 and 50.5 hours from the start."""


@pytest.mark.parametrize(
    ("heard", "asked"),
    [
        ({"first": 3.9}, {"first": 3.9}),
        ({"first": 9}, {}),
        ({"first": 9, "second": 26.5}, {"second": 26.5}),
        ({"first": 27, "second": 27}, {"second": 27}),
        ({"third": 57, "second": 57, "first": 57}, {}),
        ({"first": 51, "second": 51, "third": 51}, {"third": 51}),
    ],
    ids=["in the evening", "at three at night", "and the next", "the next evening", "after three", "on the third"],
)
def test_of_an_evenings_questions_that_come_late_the_last_is_asked_and_none_at_night(
    heard: dict[str, float], asked: dict[str, float]
) -> None:
    child = Child(*EVENINGS)
    questions = dict(zip(("first", "second", "third"), child.hears(MISSING).deadlines, strict=True))
    decisions = [(child.hears(questions[rule].content, hour), hour) for rule, hour in heard.items()]
    assert {each.rule: hour for decision, hour in decisions for each in decision.duties} == asked


def test_an_evenings_question_that_comes_at_night_is_asked_the_next_evening_where_no_other_is() -> None:
    child = Child(EVENINGS[2])
    late = child.hears(due(child.hears(MISSING)).content, 57)
    assert (late.duties, due(late).due_at) == ([], at(74.5))
    assert [each.rule for each in child.hears(due(late).content, 74.5).duties] == ["third"]


PLACED = care_events.PlacementChanged.model_validate({**SAID, "said_by": ANN, "channel": "text"})
EVENINGS_WITH_NEW_CARERS = [
    each | {"on": "placement.changed", "until": ["child.reported-missing"]} for each in EVENINGS
]


@pytest.mark.parametrize(("back_at", "to_come"), [(1.0, [2.5, 26.5, 50.5]), (10.0, [26.5, 50.5])])
def test_a_child_who_is_back_is_asked_about_on_the_evenings_to_come(back_at: float, to_come: list[float]) -> None:
    child = Child(*EVENINGS_WITH_NEW_CARERS)
    asked = child.hears(PLACED).deadlines
    assert set(child.hears(MISSING, 0.5).cancelled) == {each.deadline for each in asked}
    back = child.hears(BACK, back_at).deadlines
    assert sorted(each.due_at for each in back) == [at(hour) for hour in to_come]
    assert [each.rule for each in child.hears(back[-1].content, 50.5).duties] == ["third"]


def test_nobody_asks_in_the_evening_whether_a_child_is_in_who_is_missing_again() -> None:
    child = Child(*EVENINGS_WITH_NEW_CARERS)
    child.hears(PLACED)
    for hour, said in ((0.5, MISSING), (1, BACK), (1.5, MISSING)):
        heard = child.hears(said, hour)
    assert len(heard.cancelled) == len(EVENINGS)


IN_TIME: dict[str, Any] = {
    "period": "48h",
    "hours": "working",
    "deed": "return-interview",
    "rests": "24h",
    "until": ["return-interview.done"],
    "tell": "child.social-worker",
    "by": "email",
    "otherwise": [
        {"after": "4h", "tell": "child.team-manager", "by": "email"},
        {"after": "24h", "tell": "duty.worker", "by": "text"},
        {"after": "28h", "tell": "duty.senior-manager", "by": "text", "message": "not-acknowledged", "repeat": "24h"},
    ],
}
"""To be done within 72 hours, by people who work by day."""


@pytest.mark.parametrize("period", ["24h", "48h"])
@pytest.mark.parametrize(
    "around",
    [date(2026, 11, 24), date(2026, 12, 21), date(2027, 3, 22), date(2027, 5, 26), date(2026, 10, 21)],
    ids=["a week", "Christmas", "Easter and the clocks", "a bank holiday", "the clocks back"],
)
def test_what_has_to_be_done_in_time_is_told_by_day_and_in_time_or_else_to_whoever_is_on_duty(
    around: date, period: str
) -> None:
    for count in range(12 * 24 // 5):
        child = Child(ON | IN_TIME | {"period": period})
        hour = (morning_of(around) - START) / timedelta(hours=1) + 5 * count
        over, latest = at(hour + float(period[:-1])), at(hour + 66)
        deadline = due(child.hears(MISSING, hour))
        told = child.hears(deadline.content, (deadline.due_at - START) / timedelta(hours=1)).duties
        assert at(hour) < deadline.due_at <= latest
        assert isinstance(deadline.content, RuleDue)
        assert [each.role for each in told] == [deadline.content.role]
        if in_working_hours(deadline.due_at):
            assert told[0].role == "child.social-worker"
            assert deadline.due_at in (last_working_moment(over), working_moment(over))
        else:
            assert (told[0].role, told[0].channel, deadline.due_at) == ("duty.worker", "text", over)
            assert last_working_moment(over) <= at(hour), "nobody works by day before"
            assert working_moment(over) > latest, "nor afterwards in time"


def test_whoever_is_on_duty_and_told_in_another_s_place_is_followed_by_the_next_at_the_usual_distance() -> None:
    child = Child(ON | IN_TIME)
    good_friday = (datetime(2027, 3, 26, 12, tzinfo=UTC) - START) / timedelta(hours=1)
    deadline = due(child.hears(MISSING, good_friday))
    child.hears(deadline.content, good_friday + 48)
    (duty,) = child.case.duties.values()
    assert (duty.role, duty.next, duty.next_at) == ("duty.worker", 2, at(good_friday + 48 + 4))


@pytest.mark.parametrize(
    ("timing", "within", "heard", "then"),
    [
        ({"period": "24h", "hours": "working"}, 66, datetime(2026, 11, 27, 2, tzinfo=UTC), 9),
        ({"period": "24h", "hours": "working"}, 66, datetime(2026, 11, 27, 10, tzinfo=UTC), None),
        (IN_TIME, 66, datetime(2026, 11, 27, 2, tzinfo=UTC), 9),
        (IN_TIME, 48, datetime(2026, 11, 26, 17, 30, tzinfo=UTC), None),
        (IN_TIME, 48, datetime(2026, 11, 27, 2, tzinfo=UTC), 9),
        ({"period": "24h"}, 66, datetime(2026, 11, 27, 2, tzinfo=UTC), None),
    ],
    ids=["at night", "by day", "still in time", "not in time", "too late in any case", "whoever is on duty"],
)
def test_a_rule_that_comes_late_at_night_waits_for_the_day_again_unless_it_would_be_too_late(
    timing: dict[str, Any], within: int, heard: datetime, then: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    interview = Deed("return-interview")
    spec = replace(DEED_SPECS[interview], within=timedelta(hours=within))
    monkeypatch.setattr(grammar, "DEED_SPECS", {**DEED_SPECS, interview: spec})
    child = Child(ON | timing)
    late = child.hears(due(child.hears(MISSING)).content, (heard - START) / timedelta(hours=1))
    assert bool(late.duties) is (then is None)
    if then is not None:
        assert (verdicts(late), due(late).due_at) == ([Verdict.WAITS], heard.replace(hour=then))
        told = child.hears(due(late).content, (due(late).due_at - START) / timedelta(hours=1))
        assert [each.rule for each in told.duties] == ["waits"]


def test_for_people_who_are_not_on_duty_at_night_a_rule_is_told_at_once_by_day() -> None:
    child = Child(ON | {"hours": "working"})
    told = child.hears(MISSING, 16)
    assert ([each.rule for each in told.duties], child.case.waiting) == (["waits"], {})


def test_a_time_that_has_been_put_off_or_ended_or_is_not_known_comes_to_nothing() -> None:
    child = Child(ON | {"period": "2h", "until": ["child.returned"]})
    first = due(child.hears(MISSING)).content
    assert isinstance(first, RuleDue)
    ended = child.hears(BACK, 1)
    assert (ended.cancelled, child.waiting.stood_down) == ([first.deadline], "returned")
    for late in (first, first.model_copy(update={"deadline": uuid4()})):
        noted = child.hears(late, 2)
        assert (verdicts(noted), noted.duties) == ([Verdict.OUTGROWN], [])
        assert noted.decided[0].episode == first.episode
    again = due(child.hears(NOT_BACK, 3))
    assert (again.version, again.due_at, child.waiting.stood_down) == (2, at(2), None)
    assert verdicts(child.hears(first, 4)) == [Verdict.OUTGROWN], "an earlier version"
    assert [each.rule for each in child.hears(again.content, 4).duties] == ["waits"]


def test_a_series_begins_once_however_often_it_is_called_for_and_again_after_it_was_ended() -> None:
    child = Child(
        {"id": "monthly", "on": "contacts.checked", "period": "1h", "every": "24h", "until": ["child.left-care"]}
    )
    checked = care_events.ContactsChecked(**SAID)
    first = due(child.hears(checked, 0))
    assert child.hears(checked, 0.5).deadlines == []
    assert child.hears(care_events.ChildLeftCare(**SAID), 0.6).cancelled == [first.deadline]
    begun = due(child.hears(checked, 5))
    assert (begun.deadline, begun.version, begun.due_at) == (first.deadline, 2, at(6))


def test_each_time_of_a_series_has_a_name_of_its_own_and_what_is_still_asked_is_not_asked_twice() -> None:
    child = Child(ON | {"period": "1h", "every": "24h"})
    decision = child.hears(MISSING)
    (episode,) = child.case.episodes
    first = child.hears(due(decision).content, 1)
    second = child.hears(due(first).content, 25)
    assert (verdicts(second), second.duties) == ([Verdict.ALREADY_SO], [])
    assert (second.decided[0].rule, second.decided[0].episode) == ("waits", episode)
    (asked,) = first.duties
    child.hears(DutyAcknowledged(**SAID, duty=asked.duty, step=0, how="text"), 26)
    third = child.hears(due(second).content, 49)
    (again,) = third.duties
    assert again.duty != asked.duty
    assert [due(each).due_at for each in (decision, first, second, third)] == [at(1), at(25), at(49), at(73)]
    assert [due(each).version for each in (decision, first, second, third)] == [1, 2, 3, 4]
    assert child.waiting.cause.id == f"{CHILD} 1 again 4"


def test_a_series_goes_on_though_its_condition_was_not_met_while_the_child_was_located() -> None:
    child = Child(ON | {"period": "1h", "every": "24h", "when": {"all": ["police.reference-known"]}})
    first = due(child.hears(MISSING))
    child.hears(events.ChildLocated(**SAID, proof=events.Proof.AGENCY), 0.5)
    second = due(child.hears(first.content, 1))
    assert (second.due_at, second.version) == (at(25), 2)
    assert child.hears(first.content, 2).duties == []
    child.hears(events.PoliceReferenceTexted(**SAID, said_by=ANN, channel="text"), 3)
    third = child.hears(second.content, 25)
    assert ([each.rule for each in third.duties], due(third).due_at) == (["waits"], at(49))
    assert child.waiting.stood_down is None


def test_a_series_of_the_child_is_another_than_that_of_an_exercise() -> None:
    names = set()
    for exercise in (False, True):
        child = Child({"id": "monthly", "on": "contacts.checked", "period": "1h", "every": "24h"})
        decision = child.hears(care_events.ContactsChecked(**SAID), exercise=exercise)
        assert due(decision).exercise is exercise
        names.add(due(decision).deadline)
    assert len(names) == 2


BY = {"before": {"date": "event.day", "by": ["1mo", "7d", "0d"]}}
DAY = date(2027, 1, 11)


def dated(child: Child) -> dict[datetime, str | None]:
    return {each.due_at: each.stood_down for each in child.case.waiting.values()}


def test_a_date_is_counted_down_to_in_the_mornings_before_it_each_told_once() -> None:
    child = Child(REVIEWED | BY)
    set_off = child.hears(review(DAY))
    mornings = [morning_of(each) for each in (date(2026, 12, 11), date(2027, 1, 4), DAY)]
    assert [(each.due_at, each.version) for each in set_off.deadlines] == [(each, 1) for each in mornings]
    names = [f"near {length} before 2027-01-11 pathway" for length in ("1mo", "7d", "0d")]
    assert [each.cause.id for each in child.case.waiting.values()] == names
    for deadline in set_off.deadlines:
        hours = (deadline.due_at - START) / timedelta(hours=1)
        told = child.hears(deadline.content, hours)
        assert [each.rule for each in told.duties] == ["near"]
        assert child.hears(deadline.content, hours + 1).duties == []
    assert dated(child) == dict.fromkeys(mornings, "came")
    assert child.hears(review(DAY), 24 * 60).deadlines == [], "a date that stands"


def test_a_date_that_moves_moves_its_mornings_and_one_of_another_matter_has_its_own() -> None:
    child = Child(REVIEWED | BY)
    before = child.hears(review(DAY)).deadlines
    moved = child.hears(review(date(2027, 2, 11)), 1).deadlines
    assert [(each.deadline, each.version) for each in moved] == [(each.deadline, 2) for each in before]
    assert [each.due_at for each in moved][-1] == morning_of(date(2027, 2, 11))
    other = child.hears(review(DAY, "placement"), 2).deadlines
    assert not {each.deadline for each in other} & {each.deadline for each in before}
    assert {each.version for each in other} == {1}


def test_of_what_we_learn_too_late_only_the_last_is_told_and_it_is_told_once() -> None:
    child = Child(REVIEWED | BY)
    late = child.hears(review(date(2026, 11, 30)))
    assert [each.rule for each in late.duties] == ["near"]
    assert [each.due_at for each in late.deadlines] == [morning_of(date(2026, 11, 30))]
    assert list(dated(child).values()) == ["came", "came", None]
    assert child.hears(review(date(2026, 11, 30)), 1).duties == []


def test_a_date_that_moves_into_the_past_ends_what_waited_for_it() -> None:
    child = Child(REVIEWED | {"before": {"date": "event.day", "by": ["7d"]}})
    waited = due(child.hears(review(DAY)))
    moved = child.hears(review(date(2026, 11, 26)), 1)
    assert (moved.cancelled, moved.deadlines, len(moved.duties)) == ([waited.deadline], [], 1)
    assert (child.waiting.stood_down, child.waiting.version) == ("came", 2)


@pytest.mark.parametrize(
    ("by", "late", "day", "told"),
    [
        ("7d", None, date(2026, 11, 24), True),
        ("7d", None, date(2026, 11, 23), False),
        ("1mo", None, date(2026, 11, 24), True),
        ("1mo", None, date(2026, 11, 23), False),
        ("0d", None, date(2020, 1, 1), True),
        ("0d", "7d", date(2026, 11, 17), True),
        ("0d", "7d", date(2026, 11, 16), False),
    ],
)
def test_a_reminder_of_a_day_that_is_over_reminds_of_nothing_and_the_day_itself_is_told_late_within_reason(
    by: str, late: str | None, day: date, told: bool
) -> None:
    child = Child(REVIEWED | {"before": {"date": "event.day", "by": [by], "late": late}})
    assert bool(child.hears(review(day)).duties) is told
    assert child.waiting.cause.person is None, "whoever recorded it is not whom it is about"
    assert child.waiting.stood_down == "came"


@pytest.mark.parametrize(("hour", "told"), [(22, True), (23, False)])
def test_a_day_is_over_at_midnight_in_england_in_summer_too(hour: int, told: bool) -> None:
    child = Child(REVIEWED | {"before": {"date": "event.day", "by": ["7d"]}})
    summer = datetime(2027, 7, 10, hour, 30, tzinfo=UTC)
    decision = child.hears(review(date(2027, 7, 10)), (summer - START) / timedelta(hours=1))
    assert bool(decision.duties) is told


def test_a_date_whose_condition_was_not_met_is_asked_about_again_when_it_is_next_set_off() -> None:
    only_missing = {"when": {"all": ["child.missing"]}, "about": "episode"}
    child = Child(REVIEWED | {"before": {"date": "event.day", "by": ["0d"]}} | only_missing)
    assert child.hears(review(date(2026, 11, 20))).duties == []
    assert child.waiting.stood_down == "unmet"
    child.hears(MISSING, 1)
    (episode,) = child.case.episodes
    assert [each.episode for each in child.hears(review(date(2026, 11, 20)), 2).duties] == [episode]
    assert child.waiting.stood_down == "came"


def test_a_date_nobody_knows_sets_nothing_off() -> None:
    child = Child(
        {"id": "adult", "on": "child.record-changed", "before": {"date": "child.turns-18", "by": ["7d"]}},
        {"id": "leave", "on": "child.record-changed", "before": {"date": "leave.expires", "by": ["7d"]}},
    )
    changed = events.ChildRecordChanged(**SAID)
    assert child.hears(changed).deadlines == []
    child.facts = FACTS.model_copy(update={"adult_on": date(2028, 3, 8), "age_disputed": False})
    child.hears(care_events.LeaveGranted(**SAID, expires_on=date(2027, 5, 8)), 1)
    found = child.hears(changed, 2).deadlines
    assert [each.due_at for each in found] == [morning_of(date(2028, 3, 1)), morning_of(date(2027, 5, 1))]
