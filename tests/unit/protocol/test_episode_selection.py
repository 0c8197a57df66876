"""Of several episodes, exercises, duties and waiting rules of one child each word is about the right one and leaves the others."""

from datetime import timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Episode, Facts
from services.protocol.policy.draft import Decision, Protocols
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeState, Verdict
from services.safeguarding.duty.duties import Because, DutyAccepted, DutyAcknowledged, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ANN = "person-00000000-0000-4000-8000-00000000000a"
PLACEMENT = "placement-00000000-0000-4000-8000-00000000000"
SAID = {"authority": "northshire"}
FORCE = {**SAID, "force": "north-force", "reply": "r"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)
ASKED: dict[str, Any] = {"id": "asked", "on": "child.reported-missing"}
WAITS = {"id": "waits", "on": "child.reported-missing", "period": "48h"}
UNTIL = {"until": ["child.returned", "child.located"]}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any]) -> None:
        super().__init__(CHILD, FACTS, only(*rules))

    def after(self, *history: Message) -> "Child":
        for hour, each in enumerate(history):
            self.hears(each, hour)
        return self

    @property
    def episodes(self) -> list[Episode]:
        return sorted(self.case.episodes.values(), key=lambda each: each.opened_at)


def verdict(decision: Decision) -> tuple[Verdict, Any]:
    return decision.decided[0].verdict, decision.decided[0].episode


def test_a_mistaken_return_sets_going_again_what_that_return_had_ended_and_nothing_else() -> None:
    child = Child(WAITS | UNTIL, {**WAITS, "id": "seen", "until": ["child.located"]})
    child.after(MISSING, BACK, MISSING, LOCATED, BACK)
    first, second = child.episodes
    resumed = child.hears(NOT_BACK, 6)
    stood_down = {(each.rule, each.episode): each.stood_down for each in child.case.waiting.values()}
    assert stood_down == {
        ("waits", first.episode): "returned",
        ("seen", first.episode): None,
        ("waits", second.episode): "superseded",
        ("seen", second.episode): "superseded",
    }
    assert (resumed.deadlines, resumed.duties) == ([], [])


def test_of_the_child_beside_any_episode_only_what_is_as_real_as_the_word_is_ended_by_it() -> None:
    child = Child({"id": "placed", "on": "placement.changed", "until": ["child.left-care"]})
    child.hears(care_events.PlacementChanged(**SAID))
    child.hears(care_events.PlacementChanged(**SAID), exercise=True)
    child.hears(care_events.ChildLeftCare(**SAID), exercise=True)
    ended = [(each.cause.exercise, each.ended_because) for each in child.case.duties.values()]
    assert ended == [(False, None), (True, "superseded")]


@pytest.mark.parametrize("exercise", [False, True])
def test_a_report_older_than_an_end_is_too_old_only_among_what_is_as_real_as_it(exercise: bool) -> None:
    child = Child(ASKED)
    child.hears(MISSING, exercise=not exercise)
    for hour, said in ((1, MISSING), (3, BACK)):
        child.hears(said, hour, exercise=exercise)
    (ended,) = [each for each in child.episodes if each.state == EpisodeState.RETURNED]
    assert verdict(child.hears(MISSING, 4, came_about=2, exercise=exercise)) == (Verdict.TOO_OLD, ended.episode)


def test_a_false_alarm_from_before_the_only_report_is_read_by_a_person_also_when_the_child_is_back() -> None:
    child = Child(ASKED, {"id": "read", "on": "retraction.unverified"})
    child.hears(MISSING, 1)
    child.hears(BACK, 2)
    decision = child.hears(FALSE_ALARM, 3, came_about=0.5)
    assert [(each.rule, each.episode) for each in decision.duties] == [("read", child.episodes[0].episode)]


OF_POLICE: list[Message] = [
    events.PoliceAcknowledged(**FORCE),
    events.PoliceReferenceGiven(**FORCE, reference_kind=events.ReferenceKind.INCIDENT),
    events.PoliceRiskGraded(**FORCE, grade=events.RiskGrade.LOW),
    events.PoliceClosed(**FORCE),
]


@pytest.mark.parametrize("word", OF_POLICE)
@pytest.mark.parametrize("named", [0, 1, None])
def test_a_word_of_police_is_of_the_episode_that_it_names_or_else_of_the_latest(
    word: Message, named: int | None
) -> None:
    child = Child({"id": "heard", "on": word.kind.removesuffix(".v1")}).after(MISSING, BACK, MISSING)
    about = None if named is None else child.episodes[named].episode
    told = child.hears(word.model_copy(update={"episode": about}), 5).duties
    assert [each.episode for each in told] == [child.episodes[1 if named is None else named].episode]


@pytest.mark.parametrize("kind", [discussion_events.StrategyWithoutQuorum, discussion_events.StrategyQuorumReached])
def test_a_discussion_is_of_its_own_episode_open_or_not(kind: type[Message]) -> None:
    trigger = str(kind.kind).removesuffix(".v1")
    child = Child({"id": "heard", "on": trigger}).after(MISSING, BACK, MISSING)
    for each in child.episodes:
        about = {**SAID, "episode": each.episode, "discussion": 1, "lacking": ["police"]}
        fields = {name: value for name, value in about.items() if name in kind.model_fields}
        told = child.hears(kind.model_validate(fields), 5).duties
        assert [one.episode for one in told] == [each.episode]


def test_an_exercise_is_marked_as_one_in_all_that_it_says_and_a_real_report_never() -> None:
    for exercise in (False, True):
        child = Child(ASKED, WAITS)
        decision = child.hears(MISSING, exercise=exercise)
        (episode,), (duty,) = child.case.episodes.values(), child.case.duties
        assert episode.exercise is exercise
        assert decision.exercises == ({episode.episode, duty} if exercise else set())
        assert {each.exercise for each in decision.deadlines} == {exercise}


def test_an_exercise_that_no_endpoint_takes_is_closed_and_says_so() -> None:
    child = Child(ASKED)
    (duty,) = child.hears(MISSING, exercise=True).duties
    failed = child.hears(DutyFailed(**SAID, duty=duty.duty, step=0, reason="exercise"), 1, exercise=True)
    (changed,) = [each for each in failed.changes if isinstance(each, DutyChanged)]
    assert (changed.state, changed.ended_because) == (DutyState.CANCELLED, "closed")


def test_an_answered_duty_is_recorded_with_the_reason_for_its_end() -> None:
    child = Child(ASKED)
    (duty,) = child.hears(MISSING).duties
    answered = child.hears(DutyAcknowledged(**SAID, duty=duty.duty, step=0, how="text"), 1)
    (changed,) = [each for each in answered.changes if isinstance(each, DutyChanged)]
    assert (changed.state, changed.ended_because, changed.next_step_at) == (DutyState.ACKNOWLEDGED, "answered", None)


def test_after_a_repetition_that_failed_the_first_who_has_it_is_asked_again_while_that_is_not_too_late() -> None:
    steps = [
        {"after": "5m", "again": True},
        {"after": "10m", "again": True},
        {"after": "15m", "tell": "duty.senior-manager", "by": "text", "repeat": "5m"},
    ]
    for minutes, expected in ((6, Role.DUTY_WORKER), (10, Role.DUTY_WORKER), (11, Role.DUTY_SENIOR_MANAGER)):
        child = Child(ASKED | {"otherwise": steps})
        (duty,) = child.hears(MISSING).duties
        (due,) = child.hears(DutyAccepted(**SAID, duty=duty.duty, step=0)).deadlines
        (again,) = child.hears(due.content, 5 / 60).duties
        failed = DutyFailed(**SAID, duty=duty.duty, step=again.step, reason="undeliverable")
        told = child.hears(failed, minutes / 60).duties
        because = Because.AGAIN if expected == Role.DUTY_WORKER else Because.FAILED
        assert [(each.role, each.because) for each in told] == [(expected, because)]


def test_a_repetition_that_was_withdrawn_and_fails_tells_nobody_after_a_mistaken_return() -> None:
    steps = [{"after": "5m", "again": True}, {"after": "9m", "tell": "duty.senior-manager", "by": "text"}]
    child = Child(ASKED | {"otherwise": steps, "until": ["child.returned"]})
    (duty,) = child.hears(MISSING).duties
    (due,) = child.hears(DutyAccepted(**SAID, duty=duty.duty, step=0)).deadlines
    (again,) = child.hears(due.content, 5 / 60).duties
    child.hears(BACK, 1)
    assert child.hears(NOT_BACK, 2).duties == []
    failed = DutyFailed(**SAID, duty=duty.duty, step=again.step, reason="undeliverable")
    assert child.hears(failed, 2.01).duties == []


def test_where_no_step_ahead_applies_a_failure_tells_nobody_and_the_duty_is_overdue() -> None:
    steps = [
        {"after": "5m", "again": True},
        {"after": "9m", "unless": "accepted", "tell": "duty.senior-manager", "by": "text"},
    ]
    child = Child(ASKED | {"otherwise": steps})
    (duty,) = child.hears(MISSING).duties
    (due,) = child.hears(DutyAccepted(**SAID, duty=duty.duty, step=0)).deadlines
    (again,) = child.hears(due.content, 5 / 60).duties
    assert child.hears(DutyFailed(**SAID, duty=duty.duty, step=again.step, reason="undeliverable"), 0.1).duties == []
    assert child.case.duties[duty.duty].state == DutyState.OVERDUE


def test_a_duty_that_has_nobody_else_to_ask_is_overdue_until_it_is_answered() -> None:
    child = Child(ASKED)
    child.hears(MISSING)
    assert [(each.state, each.next_at) for each in child.case.duties.values()] == [(DutyState.OVERDUE, None)]
    child = Child(ASKED | {"enough": "accepted"})
    (duty,) = child.hears(MISSING).duties
    child.hears(DutyAccepted(**SAID, duty=duty.duty, step=0))
    assert child.case.duties[duty.duty].state == DutyState.ACCEPTED


@pytest.mark.parametrize(("about", "within"), [("child", False), ("episode", True)])
def test_what_counts_down_to_a_date_is_told_of_the_child_or_of_its_open_episode_as_the_rule_says(
    about: str, within: bool
) -> None:
    on = {"id": "near", "on": "leave.granted", "before": {"date": "leave.expires", "by": ["7d"]}, "about": about}
    child = Child(on)
    (due,) = child.hears(care_events.LeaveGranted(**SAID, expires_on=(START + timedelta(days=9)).date())).deadlines
    child.hears(MISSING, 1)
    (told,) = child.hears(due.content, 48).duties
    assert told.episode == (child.episodes[0].episode if within else None)


@pytest.mark.parametrize("word", [MISSING, BACK, FALSE_ALARM])
def test_a_word_from_before_an_earlier_episode_ended_is_too_old_for_that_one(word: Message) -> None:
    child = Child(ASKED).after(MISSING, MISSING, BACK, MISSING)
    first, _ = child.episodes
    states = [each.state for each in child.episodes]
    assert verdict(child.hears(word, 5, came_about=1.5)) == (Verdict.TOO_OLD, first.episode)
    assert [each.state for each in child.episodes] == states


def test_of_three_forces_each_hears_for_itself_that_the_child_is_back() -> None:
    notice = {"on": ["child.reported-missing", "episode.moved"], "tell": "police.control-room", "by": "webhook"}
    back = {"id": "back", "on": "child.returned", "tell": "everyone-told", "by": None, "message": "returned-notice"}
    child = Child({"id": "notice", **notice}, back)
    child.facts = FACTS.model_copy(update={"placement": f"{PLACEMENT}0"})
    child.hears(MISSING)
    for hour, force in enumerate(("south-force", "east-force"), 1):
        child.facts = FACTS.model_copy(update={"placement": f"{PLACEMENT}{hour}", "force": force})
        child.hears(care_events.PlacementChanged(**SAID), hour)
    told = child.hears(BACK, 5).duties
    assert [each.force for each in told] == ["north-force", "south-force", "east-force"]
    assert len({each.duty for each in told}) == len({each.refers_to for each in told}) == 3


def test_in_an_exercise_what_a_newer_protocol_asks_waits_as_an_exercise() -> None:
    child = Child(ASKED)
    child.hears(MISSING, exercise=True)
    child.protocols = Protocols(only(ASKED, WAITS, hash="newer").current, {"own": child.protocols.current})
    moved = care_events.EpisodeProtocolMoved(**SAID, episode=child.episodes[0].episode)
    assert [each.exercise for each in child.hears(moved, 1, exercise=True).deadlines] == [True]


def test_a_late_all_clear_goes_by_the_protocol_by_which_the_episode_goes() -> None:
    back = {"on": "child.returned", "tell": "everyone-told", "by": None, "message": "returned-notice"}
    child = Child(ASKED | {"until": ["child.returned"]}, {"id": "back", **back})
    (duty,) = child.after(MISSING).case.duties
    child.hears(BACK, 1)
    child.protocols = Protocols(only({"id": "newer", **back}, hash="newer").current, {"own": child.protocols.current})
    assert [each.rule for each in child.hears(DutyAccepted(**SAID, duty=duty, step=0), 2).duties] == ["back"]
