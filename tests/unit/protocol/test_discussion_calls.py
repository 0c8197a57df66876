"""The discussion of a missing child: called once, and again where it was called off on a mistake."""

from datetime import timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import discussion_events, events
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel, Wording
from tests.support.histories.one_child import CHILD, START, OneChild

SAID: dict[str, Any] = {"authority": "northshire"}
CONCERN = Facts(
    authority="northshire",
    force="north-force",
    modern_slavery_concern=True,
    subject_to_immigration_control=True,
    guardian_allocated=True,
)
NO_CONCERN = CONCERN.model_copy(
    update={
        "modern_slavery_concern": False,
        "entered_care_at": START - timedelta(days=300),
        "adult_on": START.date() + timedelta(days=500),
    }
)
MORNING = 15.5
"""Hours after the start: half past nine on the next day, in working hours."""
NEXT_DAY = 39
"""Nine on the working day after that."""
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
NOT_BACK = events.ReportRetracted(**SAID, retracts="return")
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
HIGH = events.PoliceRiskGraded(**SAID, force="north-force", reply="r", grade=events.RiskGrade.HIGH)
CALLED_OFF = discussion_events.StrategyDiscussionCancelled(**SAID, form="urgent")
HELD = discussion_events.StrategyDiscussionHeld(**SAID, form="urgent", section_47="no-enquiry")
EVERYBODY = {
    "police.missing-coordinator",
    "child.social-worker",
    "child.health-practitioner",
    "home-office.missing-desk",
    "child.guardian",
}


def invited(decision: Decision) -> set[str]:
    told = [
        each.role
        for each in decision.duties
        if each.act == "tell" and (each.channel, each.wording) == (Channel.INVITATION, Wording("strategy-discussion"))
    ]
    assert len(told) == len(set(told)), "nobody twice"
    return set(told)


class Missing(OneChild):
    """Since the morning. Everybody who is invited answers at once."""

    def __init__(self, facts: Facts = CONCERN) -> None:
        super().__init__(CHILD, facts)
        self.invited = self.hears_and_answers(MISSING, MORNING)

    def hears_and_answers(self, content: Message, hours: float) -> set[str]:
        told = self.hears(content, hours)
        for each in told.duties:
            if each.act == "tell" and each.channel == Channel.INVITATION:
                self.hears(DutyAcknowledged(**SAID, duty=each.duty, step=each.step, how="page"), hours)
        return invited(told)

    def next_day(self, hours: float = NEXT_DAY) -> set[str]:
        """Who is invited by the rules of the next day: each comes to its time a moment after the one before."""
        called: set[str] = set()
        for number, each in enumerate(list(self.case.waiting.values())):
            if each.rule.endswith("-next-day") and each.stood_down is None:
                assert each.due_at <= START + timedelta(hours=hours)
                due = RuleDue(**SAID, deadline=each.deadline, version=each.version, rule=each.rule)
                now = self.hears_and_answers(due, hours + number / 3600)
                assert called.isdisjoint(now)
                called |= now
        return called


def test_all_who_are_called_on_the_next_day_are_called_though_their_times_come_one_after_the_other() -> None:
    child = Missing(NO_CONCERN)
    assert child.invited == set()
    assert child.next_day() == EVERYBODY


@pytest.mark.parametrize("facts", [CONCERN, NO_CONCERN])
@pytest.mark.parametrize(("mistake", "put_right"), [(BACK, NOT_BACK), (LOCATED, MISSING)])
def test_a_discussion_that_is_called_off_on_a_mistake_is_called_again(
    facts: Facts, mistake: Message, put_right: Message
) -> None:
    child = Missing(facts)
    child.hears(mistake, 16)
    child.hears(CALLED_OFF, 16.1)
    again = child.hears_and_answers(put_right, 17)
    assert again == child.invited
    assert again | child.next_day() == EVERYBODY


def test_one_called_on_the_next_day_is_called_again_on_the_day_after_the_mistake() -> None:
    child = Missing(NO_CONCERN)
    assert child.next_day() == EVERYBODY
    child.hears(BACK, NEXT_DAY + 1)
    child.hears(CALLED_OFF, NEXT_DAY + 1.1)
    assert child.hears_and_answers(NOT_BACK, NEXT_DAY + 2) == set()
    assert child.next_day(NEXT_DAY + 24) == EVERYBODY


@pytest.mark.parametrize(("mistake", "put_right"), [(BACK, NOT_BACK), (LOCATED, MISSING)])
@pytest.mark.parametrize("meanwhile", [None, HELD])
def test_one_that_is_to_come_or_was_held_is_not_called_again(
    mistake: Message, put_right: Message, meanwhile: Message | None
) -> None:
    child = Missing()
    child.hears(mistake, 16)
    if meanwhile is not None:
        child.hears(meanwhile, 16.1)
        child.hears(CALLED_OFF, 16.2)
    assert child.hears_and_answers(put_right, 17) == set()
    assert child.next_day() == set()


def test_one_that_was_called_off_while_the_child_was_missing_is_not_called_again() -> None:
    child = Missing()
    child.hears(CALLED_OFF, 15.7)
    child.hears(BACK, 16)
    assert child.hears_and_answers(NOT_BACK, 17) == set()
    assert child.next_day() == set()


def test_one_whose_record_is_awaited_when_it_is_called_off_is_called_again() -> None:
    child = Missing()
    child.hears(BACK, 16)
    [episode] = child.case.episodes
    child.hears(discussion_events.StrategyRecordDue(**SAID, episode=episode, discussion=1), 17.5)
    child.hears(CALLED_OFF, 18)
    assert child.hears_and_answers(NOT_BACK, 18.5) == EVERYBODY


def test_one_that_was_not_held_is_called_again_though_somebody_has_the_request_for_its_record() -> None:
    child = Missing()
    [episode] = child.case.episodes
    due = discussion_events.StrategyRecordDue(**SAID, episode=episode, discussion=1)
    [asked] = [each for each in child.hears(due, 16.5).duties if each.wording == Wording("strategy-record")]
    child.hears(DutyAcknowledged(**SAID, duty=asked.duty, step=asked.step, how="console"), 16.6)
    child.hears(LOCATED, 17)
    child.hears(CALLED_OFF, 17.1)
    assert child.hears_and_answers(MISSING, 17.5) == EVERYBODY


def test_a_high_grade_calls_everybody_once() -> None:
    child = Missing(NO_CONCERN)
    assert child.hears_and_answers(HIGH, 16) == EVERYBODY
    assert child.hears_and_answers(HIGH, 17) == set()
    assert child.next_day() == set()


def test_who_was_invited_already_is_not_invited_again_by_a_high_grade() -> None:
    child = Missing()
    assert child.invited == EVERYBODY
    assert child.hears_and_answers(HIGH, 16) == set()


def test_officials_and_a_guardian_of_whom_nobody_knew_at_the_report_are_invited_once_somebody_does() -> None:
    child = Missing(CONCERN.model_copy(update={"subject_to_immigration_control": None, "guardian_allocated": None}))
    child.facts = CONCERN
    known = events.ChildRecordChanged(**SAID)
    assert child.hears_and_answers(known, 16) == EVERYBODY - child.invited
    assert child.hears_and_answers(HIGH, 16.5) == set()


def of_grade(decision: Decision) -> list[str]:
    return [each.role for each in decision.duties if each.act == "tell" and each.wording == Wording("graded-high")]


def test_a_high_grade_between_a_mistaken_return_and_its_retraction_is_told_once() -> None:
    managers = ["duty.senior-manager", "duty.assistant-director"]
    child = Missing(NO_CONCERN)
    child.hears(BACK, 16)
    assert of_grade(child.hears(HIGH, 16.5)) == []
    put_right = child.hears(NOT_BACK, 17)
    assert (of_grade(put_right), invited(put_right)) == (managers, EVERYBODY)
    child.hears(BACK, 18)
    assert sorted(of_grade(child.hears(NOT_BACK, 19))) == sorted(managers), "they had not answered, and go on"
    child = Missing(NO_CONCERN)
    for each in child.hears(HIGH, 16).duties:
        child.hears(DutyAcknowledged(**SAID, duty=each.duty, step=each.step, how="text"), 16.1)
    child.hears(BACK, 17)
    assert of_grade(child.hears(NOT_BACK, 18)) == []
