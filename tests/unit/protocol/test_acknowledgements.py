"""An answer counts differently by who gives it: the one told first, whoever was told in their place, or somebody who phoned."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.protocol.policy.case import DutyOfCase, Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import events
from services.safeguarding.duty.decisions import DutyChanged, DutyState, Verdict
from services.safeguarding.duty.duties import Because, DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Deed, Role
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
BEN = "person-00000000-0000-4000-8000-00000000000b"
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return", proof=events.Proof.AGENCY)
MINUTE = 1 / 60
STEPS: list[dict[str, Any]] = [
    {"after": "5m", "again": True},
    {"after": "10m", "tell": "duty.worker", "by": "email", "message": "missing-notice"},
    {"after": "15m", "tell": "duty.worker", "by": "text", "message": "not-acknowledged"},
    {"after": "20m", "tell": "duty.senior-manager", "by": "text", "message": "missing-notice", "repeat": "20m"},
]
RULE = {"id": "tell", "on": "child.reported-missing", "otherwise": STEPS, "until": ["child.returned"]}


class Child(OneChild):
    def __init__(self, **rule: Any) -> None:
        super().__init__(CHILD, Facts(authority="northshire"), only(RULE | rule))
        self.minutes = 0
        self.last = self.hears(MISSING)

    def says(self, content: Message) -> Decision:
        self.last = self.hears(content, self.minutes * MINUTE)
        return self.last

    def answers(self, kind: type[Any], step: int, **about: Any) -> Decision:
        return self.says(kind(**SAID, duty=self.duty.duty, step=step, **about))

    def waits(self, minutes: int) -> "Child":
        """Each step that is due by then is taken."""
        while self.duty.next_at is not None and self.duty.next_at <= START + timedelta(minutes=minutes):
            self.minutes = int((self.duty.next_at - START) / timedelta(minutes=1))
            self.says(self.step())
        self.minutes = minutes
        return self

    def waits_in_vain(self, minutes: int) -> "Child":
        """The step that is due is heard of only then."""
        assert self.duty.next_at is not None
        due_at = (self.duty.next_at - START) / timedelta(hours=1)
        self.last = self.hears(self.step(), minutes * MINUTE, came_about=due_at)
        self.minutes = minutes
        return self

    def step(self) -> Message:
        version = self.duty.deadline_version
        due = {"deadline": self.duty.duty, "version": version, "duty": self.duty.duty, "step": self.duty.told}
        return events.DutyStepDue.model_validate(SAID | due)

    @property
    def next_in_minutes(self) -> float:
        assert self.duty.next_at is not None
        return (self.duty.next_at - START) / timedelta(minutes=1)

    @property
    def duty(self) -> DutyOfCase:
        return next(iter(self.case.duties.values()))

    def states(self) -> list[str]:
        return [each.state for each in self.duty.tellings]


def test_the_first_is_asked_again_only_where_their_system_has_it_and_later_steps_tell_the_next() -> None:
    assert [(each.role, each.channel, each.wording) for each in Child().waits(20).duty.tellings] == [
        (Role.DUTY_WORKER, "text", "missing-notice"),
        (Role.DUTY_WORKER, "email", "missing-notice"),
        (Role.DUTY_WORKER, "text", "not-acknowledged"),
        (Role.DUTY_SENIOR_MANAGER, "text", "missing-notice"),
    ]


@pytest.mark.parametrize(("step", "first"), [(0, True), (1, False), (2, False), (3, False)])
def test_only_what_the_one_told_first_was_told_at_first_makes_their_taking_it_the_duty_s(
    step: int, first: bool
) -> None:
    child = Child().waits(20)
    child.answers(DutyAccepted, step)
    assert (child.duty.accepted, child.duty.state) == (first, DutyState.ACCEPTED if first else DutyState.OPEN)


def test_that_the_same_was_taken_when_asked_again_is_as_good_as_the_first_time() -> None:
    child = Child()
    child.answers(DutyAccepted, 0)
    child.waits(5)
    child.answers(DutyFailed, 0, reason="undeliverable")
    assert (child.duty.accepted, child.duty.told) == (False, 2)
    child.answers(DutyAccepted, 1)
    assert (child.duty.accepted, child.duty.state) == (True, DutyState.ACCEPTED)


@pytest.mark.parametrize("kind", [DutyAccepted, DutyDelivered])
def test_what_is_taken_is_recorded_of_its_telling_with_whoever_took_it_and_when(kind: type[Any]) -> None:
    child = Child()
    child.minutes = 3
    child.answers(kind, 0, person=BEN)
    (telling,) = child.duty.tellings
    state = "accepted" if kind is DutyAccepted else "delivered"
    assert (telling.state, telling.person) == (state, BEN)
    assert telling.changed_at == START + timedelta(minutes=3)
    child.answers(DutyAcknowledged, 0, how="text")
    assert child.duty.tellings[0].person == BEN, "an answer that names nobody takes no name away"


def test_what_was_delivered_is_not_merely_accepted_after_it() -> None:
    child = Child()
    child.answers(DutyDelivered, 0)
    assert [each.verdict for each in child.answers(DutyAccepted, 0).decided] == [Verdict.ALREADY_SO]
    assert child.states() == ["delivered"]


def test_when_the_one_meant_answers_whoever_was_to_be_told_in_their_place_need_not_be() -> None:
    child = Child().waits(20)
    child.answers(DutyAccepted, 2)
    withdrawn = [(each.act, each.step, each.because) for each in child.answers(DutyAcknowledged, 0, how="text").duties]
    assert withdrawn == [("withdraw", 1, Because.ANSWERED), ("withdraw", 3, Because.ANSWERED)]
    assert child.states() == ["acknowledged", "withdrawn", "accepted", "withdrawn"]
    assert (child.duty.state, child.duty.ended_because) == (DutyState.ACKNOWLEDGED, "answered")


@pytest.mark.parametrize(("how", "accepted"), [("text", False), ("phoned", True)])
def test_an_answer_in_another_s_place_withdraws_nothing_and_counts_as_theirs_only_when_somebody_phoned_them(
    how: str, accepted: bool
) -> None:
    child = Child().waits(20)
    assert child.answers(DutyAcknowledged, 3, how=how).duties == []
    assert child.states() == ["told", "told", "told", "acknowledged"]
    assert (child.duty.state, child.duty.accepted) == (DutyState.ACKNOWLEDGED, accepted)


def test_where_an_answer_in_another_s_place_ends_nothing_the_next_step_and_those_after_it_come_later_by_that() -> None:
    child = Child(rests="12m").waits(10)
    child.minutes = 11
    assert child.answers(DutyAcknowledged, 1, how="text").duties == []
    assert (child.states(), child.duty.state, child.duty.ended_because) == (
        ["told", "acknowledged"],
        DutyState.OPEN,
        None,
    )
    assert child.duty.next_at == START + timedelta(minutes=23)
    child.waits(23)
    assert [each.step for each in child.last.duties] == [2]
    assert child.duty.next_at == START + timedelta(minutes=28), "five minutes lie between these two steps"


def test_an_answer_just_before_a_step_that_is_far_away_puts_nothing_off() -> None:
    child = Child(rests="1m").waits(10)
    child.answers(DutyAcknowledged, 1, how="text")
    assert child.duty.next_at == START + timedelta(minutes=15)


def test_who_has_rung_the_one_meant_ends_it_also_after_they_said_that_they_have_it() -> None:
    child = Child(rests="12m").waits(10)
    child.answers(DutyAcknowledged, 1, how="text")
    assert [each.verdict for each in child.answers(DutyAcknowledged, 1, how="text").decided] == [Verdict.ALREADY_SO]
    child.answers(DutyAcknowledged, 1, how="phoned")
    assert (child.duty.state, child.duty.accepted, child.duty.next_at) == (DutyState.ACKNOWLEDGED, True, None)


def test_the_one_meant_ends_it_also_where_another_s_answer_lets_it_rest() -> None:
    child = Child(rests="12m").waits(10)
    child.answers(DutyAcknowledged, 1, how="text")
    child.answers(DutyAcknowledged, 0, how="text")
    assert child.duty.state == DutyState.ACKNOWLEDGED


def test_what_has_to_be_done_is_asked_for_again_whoever_answers_until_it_is_done() -> None:
    child = Child(enough="done", rests="12m")
    child.answers(DutyAcknowledged, 0, how="text")
    assert (child.states(), child.duty.state) == (["acknowledged"], DutyState.ACCEPTED)
    assert child.duty.next_at == START + timedelta(minutes=12)
    child.waits(12)
    assert [(each.step, each.channel) for each in child.last.duties] == [(1, "text")], (
        "the one meant is asked once more"
    )
    child.says(BACK)
    assert child.duty.state == DutyState.CANCELLED


DEED = {"deed": "return-interview", "rests": "12m", "until": ["return-interview.done", "child.returned"]}


def test_whoever_says_that_they_have_a_deed_is_asked_again_after_the_rest_and_the_steps_keep_their_distance() -> None:
    child = Child(**DEED).waits(10)
    child.answers(DutyAcknowledged, 1, how="text")
    assert (child.duty.state, child.duty.next_at) == (DutyState.OPEN, START + timedelta(minutes=22))
    changed = [each for each in child.last.changes if isinstance(each, DutyChanged)]
    assert [(each.next_step_at, each.next_role) for each in changed] == [(child.duty.next_at, Role.DUTY_WORKER)]
    child.waits(22)
    assert [
        (each.step, each.role, each.channel, each.wording, each.because, each.deed) for each in child.last.duties
    ] == [(2, Role.DUTY_WORKER, "email", "missing-notice", Because.AGAIN, Deed("return-interview"))]
    assert child.duty.next_at == START + timedelta(minutes=27), "five minutes lie between the last step and the next"


def test_at_their_second_answer_the_next_person_is_told_after_the_rest_and_is_asked_again_likewise() -> None:
    child = Child(**DEED | {"otherwise": [{**STEPS[3], "message": "not-acknowledged"}]})
    child.answers(DutyAcknowledged, 0, how="text")
    child.waits(12).answers(DutyAcknowledged, 1, how="phoned")
    assert child.duty.next_at == START + timedelta(minutes=32), "the step is further away than the rest"
    child.waits(25).answers(DutyAcknowledged, 1, how="phoned")
    assert child.duty.next_at == START + timedelta(minutes=37)
    child.waits(37)
    assert [(each.step, each.role, each.wording) for each in child.last.duties] == [
        (2, Role.DUTY_SENIOR_MANAGER, "missing-notice")
    ]
    child.answers(DutyAcknowledged, 2, how="text")
    child.waits(49)
    assert [(each.step, each.role, each.channel) for each in child.last.duties] == [
        (3, Role.DUTY_SENIOR_MANAGER, "text")
    ]
    assert child.duty.next_at == START + timedelta(minutes=109), "and after the last step again, an hour later"
    child.waits(109)
    assert (child.duty.state, child.duty.told) == (DutyState.OVERDUE, 5)


def test_nothing_but_the_deed_or_the_end_of_its_cause_ends_a_rest() -> None:
    child = Child(**DEED).waits(10)
    child.answers(DutyAcknowledged, 0, how="text")
    child.answers(DutyFailed, 1, reason="retries-spent")
    assert (child.last.duties, child.duty.next_at) == ([], START + timedelta(minutes=22))
    child.says(BACK)
    assert (child.duty.state, child.duty.next_at) == (DutyState.CANCELLED, None)
    child.says(NOT_BACK)
    assert child.duty.next_at == START + timedelta(minutes=15), "a new search rests for nobody"


def test_a_deed_that_is_worked_on_in_working_hours_is_asked_for_again_in_working_hours() -> None:
    child = Child(**DEED | {"hours": "working"})
    (due,) = child.last.deadlines
    child.minutes = (due.due_at - START) // timedelta(minutes=1)
    child.says(due.content)
    child.minutes += 8 * 60 - 5
    child.answers(DutyAcknowledged, 0, how="text")
    assert child.duty.next_at == due.due_at + timedelta(days=1), "at nine, not twelve minutes after five to five"


@pytest.mark.parametrize(
    ("answered", "again"),
    [(22.5, 46.5), (26, 63), (50, 70), (74, 98)],
    ids=["by day", "in time", "in the last working hours before", "too late in any case"],
)
def test_what_must_be_done_in_time_does_not_rest_until_it_is_too_late(answered: float, again: float) -> None:
    child = Child(**DEED | {"period": "24h", "hours": "working", "rests": "24h"})
    child.hears(child.last.deadlines[0].content, 22)
    child.minutes = int(answered * 60)
    child.answers(DutyAcknowledged, 0, how="text")
    assert child.next_in_minutes == again * 60


@pytest.mark.parametrize(
    ("heard", "told", "then"),
    [
        ([10], 2, [15]),
        ([11], 2, [15]),
        ([12], 1, [13]),
        ([60, 61], 2, [61, 66]),
        ([60, 61, 66, 71], 4, [61, 66, 71, 91]),
        ([60, 70], 2, [61, 75]),
        ([60, 61, 80, 81], 3, [61, 66, 81, 86]),
        ([60, 61, 66, 71, 100, 101], 5, [61, 66, 71, 91, 101, 121]),
    ],
    ids=[
        "in time", "a minute late", "later", "the next", "the ladder", "once", "each outage", "the repetition",
    ],
)  # fmt: skip
def test_after_an_outage_a_step_waits_a_minute_for_answers_and_those_after_it_keep_their_distance(
    heard: list[int], told: int, then: list[int]
) -> None:
    child = Child()
    found = [child.waits_in_vain(minutes).next_in_minutes for minutes in heard]
    assert (found, child.duty.told) == (then, told)


@pytest.mark.parametrize(
    ("heard", "told"),
    [([155], "carers.all"), ([180, 181], "carers.all"), ([540, 541, 541, 542], "duty.worker")],
    ids=["in time", "late in the evening", "at three at night"],
)
def test_who_has_not_answered_in_the_evening_is_not_woken_at_night_and_whoever_is_on_duty_hears_of_it(
    heard: list[int], told: str
) -> None:
    child = Child(hours="evening", tell="carers.all", by="text", message="check-in")
    child.minutes = 150
    child.says(child.last.deadlines[0].content)
    child.answers(DutyAccepted, 0)
    found = [each.role for minutes in heard for each in child.waits_in_vain(minutes).last.duties]
    assert found == [told]


def test_a_late_repeat_is_put_off_too_where_an_acceptance_has_skipped_the_last_step() -> None:
    child = Child(otherwise=[*STEPS[:3], STEPS[3] | {"unless": "accepted"}]).waits(15)
    child.answers(DutyAccepted, 0)
    assert child.next_in_minutes == 35, "twenty minutes after the newest telling"
    assert (child.waits_in_vain(60).last.duties, child.next_in_minutes) == ([], 61)
    assert [each.role for each in child.waits_in_vain(61).last.duties] == [Role.DUTY_SENIOR_MANAGER]
    assert child.next_in_minutes == 81


def test_what_was_answered_during_an_outage_is_heard_before_the_next_person_is_told() -> None:
    child = Child().waits_in_vain(60)
    waits = [(each.verdict, each.rule, each.duty) for each in child.last.decided]
    assert waits == [(Verdict.WAITS, "tell", child.duty.duty)]
    assert [(each.due_at, each.version) for each in child.last.deadlines] == [(START + timedelta(minutes=61), 2)]
    for kind in (DutyAccepted, DutyDelivered):
        child.answers(kind, 0)
        assert (child.last.duties, child.last.deadlines, child.next_in_minutes) == ([], [], 61), "put off once"
    child.answers(DutyAcknowledged, 0, how="text")
    assert (child.duty.told, child.duty.next_at) == (1, None)


def test_a_rest_that_is_over_during_an_outage_ends_a_minute_after_it() -> None:
    child = Child(**DEED)
    child.answers(DutyAcknowledged, 0, how="text")
    assert child.waits_in_vain(60).last.duties == []
    assert [each.because for each in child.waits_in_vain(61).last.duties] == [Because.AGAIN]
    assert child.next_in_minutes == 66, "the next step, from then"


def test_after_the_last_step_an_answer_puts_the_repetition_off_by_an_hour() -> None:
    child = Child(rests="12m").waits(20)
    child.answers(DutyAcknowledged, 3, how="text")
    assert child.duty.next_at == START + timedelta(minutes=80)


def test_an_answer_after_the_end_is_recorded_of_its_telling_and_leaves_the_end_as_it_was() -> None:
    child = Child()
    child.says(BACK)
    child.answers(DutyAcknowledged, 0, how="text", by=BEN)
    assert (child.states(), child.duty.tellings[0].person) == (["acknowledged"], BEN)
    assert (child.duty.state, child.duty.ended_because) == (DutyState.CANCELLED, "returned")


def test_what_nobody_answered_in_the_end_is_withdrawn_once_and_what_was_taken_never() -> None:
    child = Child().waits(20)
    child.answers(DutyAccepted, 1)
    withdrawn = [(each.act, each.step, each.because) for each in child.says(BACK).duties]
    assert withdrawn == [("withdraw", step, Because.RETURNED) for step in (0, 2, 3)]
    assert {each.changed_at for each in child.duty.tellings if each.state == "withdrawn"} == {
        START + timedelta(minutes=20)
    }


def test_an_answer_to_a_telling_that_is_not_kept_any_more_is_one_to_the_newest() -> None:
    child = Child().waits(60 * 48)
    assert child.duty.telling(10) is None
    child.answers(DutyAcknowledged, 10, how="text", by=BEN)
    assert [(each.step, each.person) for each in child.duty.tellings if each.state == "acknowledged"] == [
        (child.duty.told - 1, BEN)
    ]
    assert child.duty.state == DutyState.ACKNOWLEDGED


def test_where_nobody_holds_the_role_the_next_is_told_at_once_and_hears_why() -> None:
    told = Child().answers(DutyFailed, 0, reason="nobody-in-role").duties
    assert [(each.step, each.channel, each.because) for each in told] == [(1, "email", Because.NOBODY_IN_ROLE)]


def test_after_a_failure_a_deputy_of_the_same_role_is_told_at_once_and_then_the_next_who_hears_why() -> None:
    child = Child()
    deputy = child.answers(DutyFailed, 0, reason="undeliverable").duties
    assert [(each.step, each.channel, each.because) for each in deputy] == [(1, "text", Because.AGAIN)]
    told = child.answers(DutyFailed, 1, reason="undeliverable").duties
    assert [(each.step, each.channel, each.because) for each in told] == [(2, "email", Because.FAILED)]


@pytest.mark.parametrize(
    ("kind", "about", "state"),
    [(DutyAccepted, {}, "accepted"), (DutyDelivered, {}, "delivered"), (DutyAcknowledged, {"how": "text"}, "acknowledged")],
)  # fmt: skip
def test_a_repetition_that_fails_takes_nothing_from_what_was_said_to_the_first(
    kind: type[Any], about: dict[str, Any], state: str
) -> None:
    child = Child()
    child.answers(DutyAccepted, 0)
    child.waits(5).answers(kind, 0, **about)
    child.answers(DutyFailed, 1, reason="undeliverable")
    assert (child.states()[:2], child.duty.accepted) == ([state, "failed"], True)


def test_an_answer_about_a_duty_that_nobody_knows_is_recorded_with_what_it_says_of_itself() -> None:
    child, duty, episode = Child(), uuid4(), uuid4()
    decision = child.says(DutyAccepted(**SAID, duty=duty, step=0, episode=episode))
    assert [(each.verdict, each.duty, each.episode) for each in decision.decided] == [(Verdict.OUTGROWN, duty, episode)]


@pytest.mark.parametrize("ended", [BACK, "answered"])
def test_a_failure_after_the_end_tells_nobody_and_leaves_the_end_as_it_was(ended: Any) -> None:
    child = Child().waits(10)
    child.answers(DutyAccepted, 1)
    if ended == "answered":
        child.answers(DutyAcknowledged, 0, how="text")
    else:
        child.says(ended)
    before = child.duty
    assert child.answers(DutyFailed, 1, reason="undeliverable").duties == []
    assert child.duty.tellings[1].state == "failed"
    assert (child.duty.state, child.duty.ended_because) == (before.state, before.ended_because)


def test_a_step_says_whether_the_one_before_had_it_or_not() -> None:
    def reasons(child: Child) -> list[Because]:
        return [each.because for each in child.waits(child.minutes + 10).last.duties]

    never, taken = Child(), Child()
    taken.answers(DutyAccepted, 0)
    assert reasons(never) == [Because.NOT_ACCEPTED]
    assert reasons(taken.waits(5)) == [Because.NOT_ACKNOWLEDGED]


def test_after_the_last_step_the_last_is_asked_again_and_the_duty_is_overdue() -> None:
    child = Child().waits(40)
    assert [(each.role, each.because) for each in child.last.duties] == [(Role.DUTY_SENIOR_MANAGER, Because.AGAIN)]
    assert (child.duty.state, child.duty.passed) == (DutyState.OVERDUE, len(STEPS))
    assert child.duty.next_at == START + timedelta(minutes=60)


def test_a_failure_after_the_last_step_waits_for_the_repetition() -> None:
    child = Child().waits(20)
    assert child.duty.state == DutyState.OPEN
    assert child.answers(DutyFailed, 3, reason="undeliverable").duties == []
    assert (child.duty.state, child.duty.next_at) == (DutyState.OVERDUE, START + timedelta(minutes=40))


def test_where_taking_it_is_enough_the_duty_ends_with_that() -> None:
    child = Child(enough="accepted")
    assert child.answers(DutyAccepted, 0).cancelled == [child.duty.duty]
    assert (child.duty.state, child.duty.ended_because) == (DutyState.ACCEPTED, "accepted-is-enough")


def test_after_a_mistaken_return_minutes_count_from_then_and_only_who_had_not_taken_it_is_told_again() -> None:
    for accepted in (True, False):
        child = Child()
        if accepted:
            child.answers(DutyAccepted, 0)
        child.minutes = 2
        child.says(BACK)
        child.minutes, version = 30, child.duty.deadline_version
        again = [(each.step, each.because) for each in child.says(NOT_BACK).duties]
        assert again == ([] if accepted else [(1, Because.AGAIN)])
        assert child.duty.next_at == START + timedelta(minutes=35 if accepted else 40)
        assert child.duty.deadline_version == version + 1
        assert child.last.cancelled == []


ASKED = {
    "otherwise": [
        {"after": "5m", "again": True},
        {"after": "15m", "tell": "duty.senior-manager", "by": "text", "message": "not-acknowledged"},
        {"after": "30m", "tell": "duty.head-of-service", "by": "text", "message": "not-acknowledged", "repeat": "30m"},
    ],
    "until": ["child.returned", "missing.retracted"],
}


def told_by_minute(claim: int | None) -> list[tuple[int, str, str]]:
    """Who is told when, if the duty worker's OK is claimed after so many minutes."""
    child = Child(**ASKED)
    told: list[tuple[int, str, str]] = []
    child.answers(DutyAccepted, 0)
    for minute in range(1, 61):
        before = child.duty.told
        child.waits(minute)
        told += [
            (minute, each.role, each.wording)
            for each in child.duty.tellings[before - child.duty.told :]
            if child.duty.told > before
        ]
        if minute == claim:
            child.answers(DutyAcknowledged, 0, how="text", claimed=True)
    return told


def test_a_claim_rests_five_minutes_and_manager_and_head_hear_of_it_at_the_same_minutes_as_without() -> None:
    without, forged = told_by_minute(None), told_by_minute(3)
    assert [each[:2] for each in without] == [
        (5, "duty.worker"),
        (15, "duty.senior-manager"),
        (30, "duty.head-of-service"),
        (60, "duty.head-of-service"),
    ]
    assert [each[:2] for each in forged] == [(8, "duty.worker"), *[each[:2] for each in without[1:]]]


def test_a_claim_is_no_acknowledgement_and_rests_once() -> None:
    child = Child(**ASKED)
    child.answers(DutyAccepted, 0)
    child.waits(3).answers(DutyAcknowledged, 0, how="text", claimed=True)
    assert (child.duty.state, child.states(), child.duty.tellings[0].claimed) == ("accepted", ["accepted"], True)
    assert child.next_in_minutes == 8
    child.waits(9).answers(DutyAcknowledged, 1, how="text", claimed=True)
    assert child.next_in_minutes == 15, "a second claim puts nothing off"
    child.answers(DutyAcknowledged, 1, how="text")
    assert child.duty.state == "acknowledged", "the telling's own code ends it"


def test_whoever_is_asked_next_hears_that_somebody_says_they_have_it() -> None:
    child = Child(**ASKED)
    child.answers(DutyAccepted, 0)
    child.waits(3).answers(DutyAcknowledged, 0, how="text", claimed=True)
    child.waits(16)
    [told] = child.last.duties
    assert (told.role, told.wording, told.asked) == ("duty.senior-manager", "said-to-be-taken", "duty.worker")


def test_a_forged_ok_hides_no_failure() -> None:
    child = Child(**ASKED)
    child.answers(DutyAcknowledged, 0, how="text", claimed=True)
    child.answers(DutyFailed, 0, reason="undeliverable")
    assert child.states()[0] == "failed"


def test_once_the_child_is_back_any_ok_is_enough() -> None:
    child = Child(**ASKED | {"until": ["episode.closed"]})
    child.answers(DutyAccepted, 0)
    child.says(BACK)
    child.answers(DutyAcknowledged, 0, how="text", claimed=True)
    assert child.duty.state == "acknowledged"


def test_an_ok_in_the_place_of_police_never_ends_their_duty() -> None:
    police = {"tell": "police.control-room", "by": "webhook", "rests": None}
    child = Child(**ASKED | police)
    child.waits(16).answers(DutyAcknowledged, 1, how="page")
    assert (child.duty.goes_on, child.next_in_minutes) == (True, 36)


POLICE_SILENT = {
    "tell": "police.control-room",
    "by": "webhook",
    "rests": "20m",
    "otherwise": [
        {"after": "15m", "tell": "duty.worker", "by": "text", "message": "police-not-acknowledged"},
        {"after": "30m", "tell": "duty.senior-manager", "by": "text", "message": "police-not-acknowledged"},
        {
            "after": "60m",
            "tell": "duty.head-of-service",
            "by": "text",
            "message": "police-not-acknowledged",
            "repeat": "30m",
        },
    ],
    "until": ["child.returned", "missing.retracted"],
}
REFERENCE = events.PoliceReferenceTexted(**SAID, said_by=BEN, channel="text")


@pytest.mark.parametrize(
    ("taken", "reference", "claimed", "told", "next_in"),
    [
        (True, True, True, "police-reference-held", 21),
        (True, False, False, "police-not-acknowledged", 36),
        (False, True, False, "police-not-reached", 36),
    ],
    ids=["held, and a forged OK", "no reference", "their system has nothing"],
)
def test_where_an_authoritys_rule_does_not_end_with_a_reference_the_duty_worker_reads_that_there_is_one(
    taken: bool, reference: bool, claimed: bool, told: str, next_in: float
) -> None:
    child = Child(**POLICE_SILENT)
    if taken:
        child.answers(DutyAccepted, 0)
    child.minutes = 2
    if reference:
        child.says(REFERENCE)
    child.waits(15)
    [asked] = child.last.duties
    assert (asked.role, asked.wording) == ("duty.worker", told)
    child.waits(16).answers(DutyAcknowledged, 1, how="text", claimed=claimed)
    assert (child.duty.goes_on, child.next_in_minutes) == (True, next_in)


def test_if_the_duty_worker_says_nothing_of_a_reference_a_manager_hears_of_it() -> None:
    child = Child(**POLICE_SILENT)
    child.answers(DutyAccepted, 0)
    child.minutes = 2
    child.says(REFERENCE)
    child.waits(31)
    [told] = child.last.duties
    assert (told.role, told.wording) == ("duty.senior-manager", "police-reference-held")


def test_whoever_is_asked_again_after_a_claim_reads_what_they_were_asked() -> None:
    child = Child(**POLICE_SILENT)
    child.answers(DutyAccepted, 0)
    child.waits(16).answers(DutyAcknowledged, 1, how="text", claimed=True)
    child.waits(21)
    [told] = child.last.duties
    assert (told.role, told.wording) == ("duty.worker", "police-not-acknowledged")


def test_a_claim_of_a_deed_puts_off_nobody_and_does_not_do_it() -> None:
    steps = [
        {"after": "15m", "tell": "duty.senior-manager", "by": "text"},
        {"after": "30m", "tell": "duty.head-of-service", "by": "text", "repeat": "30m"},
    ]
    child = Child(
        tell="duty.worker", by="text", message="recovery-due", deed="collection", rests="3h", otherwise=steps,
        until=["child.collected", "child.returned", "missing.retracted"],
    )  # fmt: skip
    child.answers(DutyAccepted, 0)
    child.waits(1).answers(DutyAcknowledged, 0, how="text", claimed=True)
    child.waits(30)
    assert [(each.told_at - START, each.role) for each in child.duty.tellings] == [
        (timedelta(minutes=at), role)
        for at, role in (
            (0, "duty.worker"),
            (6, "duty.worker"),
            (15, "duty.senior-manager"),
            (30, "duty.head-of-service"),
        )
    ]
    assert child.duty.goes_on
