"""What a decision sets off beyond its own rules: a watch, an all-clear that came late, a telling that was lost; and from when it counts."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.protocol.policy.duties.tellings import message_of
from services.protocol.policy.rule_engine.waits import morning_of
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.child_events.events import DutyStepDue
from services.safeguarding.duty.decisions import DutyState, MessageDeadLettered, Verdict
from services.safeguarding.duty.duties import Because, Duty, DutyAccepted, DutyAcknowledged, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ANN = "person-00000000-0000-4000-8000-00000000000a"
WORDS = "words-00000000-0000-4000-8000-00000000000c"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", proof=events.Proof.AGENCY)
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)
WORKER = {"id": "worker", "on": "child.reported-missing", "until": ["child.returned", "missing.retracted"]}
STEPS = {"otherwise": [{"after": "5m", "tell": "duty.senior-manager", "by": "text", "repeat": "5m"}]}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any], **about: Any) -> None:
        super().__init__(CHILD, FACTS, only(*rules, **about))


def told(decision: Decision) -> list[tuple[str, Role, str]]:
    return [(each.rule, each.role, each.act) for each in decision.duties]


def accepted(duty: Duty) -> Message:
    return DutyAccepted(**SAID, duty=duty.duty, step=duty.step)


def acknowledged(duty: Duty) -> Message:
    return DutyAcknowledged(**SAID, duty=duty.duty, step=duty.step, how="text")


CLEAR: dict[str, Any] = {"tell": "everyone-told", "by": None, "message": "returned-notice"}


@pytest.mark.parametrize("taken", [accepted, acknowledged])
@pytest.mark.parametrize(("ended", "rule"), [(BACK, "back"), (FALSE_ALARM, "retracted")])
def test_whom_a_withdrawn_telling_reached_after_all_hears_that_it_is_over(
    taken: Any, ended: Message, rule: str
) -> None:
    child = Child(
        WORKER,
        {"id": "back", "on": "child.returned", **CLEAR},
        {"id": "retracted", "on": "missing.retracted", **CLEAR},
        {"id": "police-only", "on": ["child.returned", "missing.retracted"], **CLEAR, "among": "police"},
        {"id": "manager", "on": ["child.returned", "missing.retracted"], "tell": "duty.senior-manager"},
    )
    (duty,) = child.hears(MISSING).duties
    assert ("worker", Role.DUTY_WORKER, "withdraw") in told(child.hears(ended, 1))
    late = child.hears(taken(duty), 2)
    assert told(late) == [(rule, Role.DUTY_WORKER, "tell")]
    assert (late.duties[0].episode, late.duties[0].refers_to) == (duty.episode, duty.telling)
    assert child.hears(taken(duty), 3).duties == []


def test_a_telling_that_reached_somebody_in_time_brings_no_second_all_clear() -> None:
    child = Child(WORKER, {"id": "back", "on": "child.returned", **CLEAR})
    (duty,) = child.hears(MISSING).duties
    child.hears(accepted(duty), 0.5)
    assert told(child.hears(BACK, 1)) == [("back", Role.DUTY_WORKER, "tell")]
    assert child.hears(acknowledged(duty), 2).duties == []


@pytest.mark.parametrize("becomes", ["accepted", "acknowledged", "failed"])
def test_what_becomes_of_a_duty_sets_rules_off_in_its_episode(becomes: str) -> None:
    follows = {"id": "follows", "on": {"duty": "worker", "becomes": becomes}, "tell": "duty.senior-manager"}
    child = Child(WORKER, follows, {"id": "of-another", "on": {"duty": "follows", "becomes": becomes}})
    (duty,) = child.hears(MISSING).duties
    content = {"accepted": accepted(duty), "acknowledged": acknowledged(duty), "failed": failed(duty)}
    found = child.hears(content[becomes], 1, came_about=0.5).duties
    assert [(each.rule, each.episode) for each in found] == [("follows", duty.episode)]
    assert child.case.duties[found[0].duty].cause.time == START + timedelta(hours=0.5)


def failed(duty: Duty) -> Message:
    return DutyFailed(**SAID, duty=duty.duty, step=duty.step, reason="undeliverable")


def test_what_a_manager_answered_because_the_first_was_not_reached_stays_answered_after_a_mistaken_return() -> None:
    child = Child(WORKER | STEPS)
    (first,) = child.hears(MISSING).duties
    (manager,) = child.hears(failed(first), 0.1).duties
    child.hears(acknowledged(manager), 0.2)
    assert child.hears(BACK, 1).duties == []
    assert child.hears(NOT_BACK, 2).duties == []
    assert child.case.duties[first.duty].state == DutyState.ACKNOWLEDGED


def test_of_what_only_informs_one_telling_that_was_taken_is_enough_whatever_becomes_of_another() -> None:
    child = Child(WORKER | STEPS | {"enough": "accepted"})
    (first,) = child.hears(MISSING).duties
    child.hears(BACK, 1)
    (again,) = child.hears(NOT_BACK, 2).duties
    child.hears(accepted(first), 3)
    assert child.hears(failed(again), 4).duties == []
    assert child.case.duties[first.duty].ended_because == "accepted-is-enough"


def letter(duty: Duty | None = None, kind: str | None = "professional.notify.v1", act: str = "tell") -> Message:
    return MessageDeadLettered(
        service="professionals",
        origin="duties/0/1",
        reason="KeyError at x.py:1",
        original_kind=kind,
        original_id=str(message_of(duty.duty if duty else uuid4(), duty.step if duty else 0, act)),
        original="",
    )


READ_BY_A_PERSON: dict[str, Any] = {"id": "read", "on": "message.dead-lettered", "tell": "duty.head-of-service"}


def test_a_lost_telling_has_failed_and_the_next_is_told_whichever_duty_s_it_was() -> None:
    child = Child(WORKER | STEPS, {"id": "second", "on": "child.reported-missing", **STEPS}, READ_BY_A_PERSON)
    _, duty = child.hears(MISSING).duties
    lost = child.hears(letter(duty), 0.01)
    assert [(each.rule, each.role, each.because) for each in lost.duties] == [
        ("second", Role.DUTY_SENIOR_MANAGER, Because.FAILED)
    ]
    assert [(each.verdict, each.duty, each.episode) for each in lost.decided] == [
        (Verdict.CHANGED, duty.duty, duty.episode)
    ]
    assert child.case.duties[duty.duty].tellings[0].state == "failed"


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("professional.notify.v1", True),
        ("child.reported-missing.v1", True),
        ("nobody-knows-it.v1", True),
        (None, True),
        ("duty.changed.v1", False),
        ("protocol.decided.v1", False),
        ("message.dead-lettered.v1", False),
    ],
)
def test_any_other_lost_message_is_read_by_a_person_unless_it_only_recorded_something(
    kind: str | None, read: bool
) -> None:
    child = Child(WORKER, READ_BY_A_PERSON)
    (duty,) = child.hears(MISSING).duties
    for lost in (letter(None, kind), letter(duty, kind, "withdraw")):
        decision = child.hears(lost, 1)
        assert [each.rule for each in decision.duties] == ["read"] * read
        assert read or [each.verdict for each in decision.decided] == [Verdict.ALREADY_SO]


def test_a_step_comes_at_its_time_and_is_recorded_with_rule_duty_and_episode() -> None:
    child = Child(WORKER | STEPS)
    decision = child.hears(MISSING)
    (duty,) = decision.duties
    (deadline,) = decision.deadlines
    content = deadline.content
    assert isinstance(content, DutyStepDue)
    assert (content.duty, content.deadline, content.step, content.version) == (duty.duty, duty.duty, 1, 1)
    assert (content.authority, deadline.exercise, deadline.version) == ("northshire", False, 1)
    for wrong in (content.model_copy(update={"version": 2}), content.model_copy(update={"duty": uuid4()})):
        noted = child.hears(wrong, 0.1)
        episode = duty.episode if wrong.duty == duty.duty else None
        assert [(each.verdict, each.duty, each.episode) for each in noted.decided] == [
            (Verdict.OUTGROWN, wrong.duty, episode)
        ]
        assert noted.duties == []
    (taken,) = child.hears(content, 0.1).decided
    assert (taken.verdict, taken.rule, taken.duty, taken.episode) == (Verdict.TOLD, "worker", duty.duty, duty.episode)


LEAVE: dict[str, Any] = {"on": ["leave.granted"], "before": {"date": "leave.expires", "by": ["0d"]}}


def test_when_leave_has_run_out_a_watch_opens_with_its_own_rules_from_that_moment() -> None:
    child = Child(
        {"id": "runs-out", **LEAVE, "watch": "opens"},
        {"id": "review", "on": "watch.opened", "period": "24h"},
        {"id": "old", "on": "child.record-changed", "until": ["watch.opened"]},
    )
    child.hears(events.ChildRecordChanged(**SAID))
    granted = child.hears(care_events.LeaveGranted(**SAID, expires_on=date(2026, 12, 1)))
    (due,) = granted.deadlines
    assert child.case.watched_since is None
    hours = (due.due_at - START) / timedelta(hours=1) + 2
    opened = child.hears(due.content, hours)
    assert told(opened) == [("runs-out", Role.DUTY_WORKER, "tell"), ("old", Role.DUTY_WORKER, "withdraw")]
    now = START + timedelta(hours=hours)
    assert child.case.watched_since == now
    assert [each.due_at for each in opened.deadlines] == [now + timedelta(hours=24)]


def test_an_exercise_in_which_leave_runs_out_opens_no_watch() -> None:
    child = Child({"id": "opens", "on": "child.record-changed", "watch": "opens"})
    child.hears(events.ChildRecordChanged(**SAID), exercise=True)
    assert child.case.watched_since is None
    child.hears(events.ChildRecordChanged(**SAID), 1)
    assert child.case.watched_since == START + timedelta(hours=1)


@pytest.mark.parametrize(
    ("content", "trigger", "since"),
    [
        (
            events.AsylumDecisionRecorded(**SAID, outcome=events.AsylumOutcome.REFUSED, sent_on=date(2026, 11, 20)),
            "decision.refused",
            morning_of(date(2026, 11, 20)),
        ),
        (
            care_events.PhotographRecorded(**SAID, taken_on=date(2026, 11, 21)),
            "photograph.recorded",
            morning_of(date(2026, 11, 21)),
        ),
        (
            discussion_events.StrategyDiscussionHeld(
                **SAID, form="full", section_47="no-enquiry", held_on=date(2026, 11, 22)
            ),
            "strategy-discussion.held",
            morning_of(date(2026, 11, 22)),
        ),
        (events.LocationEnquiryReceived(**SAID), "location.enquiry-received", START - timedelta(hours=3)),
    ],
)
def test_periods_count_from_the_day_that_the_event_names_or_from_when_it_came_about(
    content: Message, trigger: str, since: datetime
) -> None:
    child = Child({"id": "waits", "on": trigger, "period": "28d"})
    (deadline,) = child.hears(content, came_about=-3).deadlines
    assert deadline.due_at == since + timedelta(days=28)


def test_a_duty_carries_the_words_and_what_else_its_message_said() -> None:
    child = Child({"id": "told", "on": ["child.reported-missing", "contact.listed"]})
    seen = START - timedelta(hours=3)
    (duty,) = child.hears(MISSING.model_copy(update={"words": (WORDS,), "last_seen_at": seen})).duties
    assert (duty.words, duty.last_seen_at) == ((WORDS,), seen)
    cause = child.case.duties[duty.duty].cause
    assert (cause.id, cause.time, cause.person, cause.exercise) == (f"{CHILD} 1", START, ANN, False)
    (duty,) = child.hears(events.ContactListed(**SAID, contact=ANN)).duties
    assert child.case.duties[duty.duty].cause.person == ANN, "whom it is about"
