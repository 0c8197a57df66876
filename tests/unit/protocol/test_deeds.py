"""Which duties a deed ends, and which give way to another that asks for the same."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Facts
from services.protocol.simulate import story_of, tell
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.child_events.care_events import CareStepRecorded
from services.safeguarding.deeds import DEED_SPECS
from services.safeguarding.duty.decisions import DutyState
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.roles import Wording
from tests.support.histories.one_child import CHILD, CURRENT, OneChild, due
from tests.support.histories.own_rules import only

NEEDLESS = {
    "advocacy.explained": "guardian",
    "appeal.decided": "appeal",
    "age.found-adult": "age-assessment-settled",
    "age.found-child": "adult-finding-planned age-assessment-settled challenge-weighed",
    "child.left-care": "advocacy care-plan carers-briefing contacts-check education-step guardian health-step legal-adviser "
    "looked-after-status missing-meeting photograph placement-notice placement-weighed profile review risk-assessment visitor",
    "child.lost-again": "collection",
    "child.reported-missing": "child-seen looked-after-status profile",
    "child.returned": "collection immigration-status missing-meeting parents-decision photograph police-grade police-reference",
    "child.transferred": "transfer-answer transfer-explanation transfer-move",
    "child.transferred-elsewhere": "hand-over-taken transfer-answer transfer-explanation transfer-move",
    "decision.dated": "appeal",
    "decision.granted": "rights-assessment",
    "episode.closed": "interpreter return-interview return-interview-offer safe-and-well-check",
    "family-contact.stopped": "tracing-explanation",
    "leave.granted": "leave-application rights-assessment",
    "leave.without-end": "leave-application",
    "missing.retracted": "collection full-meeting immigration-status interpreter looked-after-status missing-meeting "
    "nrm-referral parents-decision photograph police-grade police-reference return-interview return-interview-offer "
    "safe-and-well-check",
    "nrm.not-needed": "care-plan",
    "nrm.reasonable-grounds": "reconsideration",
    "pathway-plan.recorded": "needs-assessment",
    "protective-measures.recorded": "supervision-decided",
    "return-interview.done": "interpreter",
    "return.retracted": "collection interpreter looked-after-status return-interview return-interview-offer "
    "safe-and-well-check",
    "strategy-discussion.held-in-full": "full-meeting",
    "transfer.considered": "transfer-answer",
    "transfer.proposed": "hindrance-decided",
    "transfer.refused": "hindrance-decided transfer-explanation transfer-move",
    "watch.ended": "talk",
}
"""Which deeds an event makes needless, as a social worker would say it. Whatever else a rule's `until` names is a record of its deed."""
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
HELD = care_events.MissingMeetingHeld(**SAID)
MISSING = events.ChildReportedMissing(**SAID)
MEETING = {"deed": "missing-meeting", "rests": "2h", "until": ["missing-meeting.held"]}
ESCALATES = [{"after": "4h", "tell": "duty.senior-manager", "by": "text", "repeat": "24h"}]


def child_with(*rules: dict[str, Any]) -> OneChild:
    return OneChild(CHILD, FACTS, only(*rules))


def plan_step(number: int, day: int) -> discussion_events.PlanStepSet:
    return discussion_events.PlanStepSet(
        **SAID, discussion=1, number=number, owner="child.social-worker", due_on=date(2026, 11, day)
    )


def test_a_deed_is_asked_for_until_it_is_recorded_or_needless_and_no_other_event_ends_it() -> None:
    ends = [
        (rule.id, str(event), rule.deed)
        for rule in CURRENT.rules
        if rule.deed is not None
        for event in set(rule.until) - set(DEED_SPECS[rule.deed].ends)
    ]
    assert [each for each in ends if each[2] not in NEEDLESS.get(each[1], "").split()] == []


@pytest.mark.parametrize(("named", "ended"), [(0, 0), (1, 1), (None, 0)], ids=["first", "second", "the nearest"])
def test_a_record_of_a_plan_step_ends_the_step_whose_form_it_was(named: int | None, ended: int) -> None:
    rule = {"deed": "plan-step", "rests": "1h", "until": ["plan-step.done"], "otherwise": ESCALATES}
    child = child_with({"id": "step", "on": "plan-step.set"} | rule)
    duties = [child.hears(plan_step(number, 26 + number)).duties[0].duty for number in (1, 2)]
    about = None if named is None else duties[named]
    child.hears(CareStepRecorded(**SAID, step="plan-step-done", duty=about), 1)
    assert [child.case.duties[each].goes_on for each in duties] == [each != ended for each in range(2)]


@pytest.mark.parametrize(("named", "ended"), [(0, {0}), (1, {1}), (None, set())], ids=["first", "second", "neither"])
def test_who_has_read_one_text_has_not_read_the_next(named: int | None, ended: set[int]) -> None:
    deed = {"deed": "text-read", "rests": "1h", "until": ["text.acted-on", "text.needs-nothing"]}
    child = child_with({"id": "read", "on": "text.needs-human", "otherwise": ESCALATES} | deed)
    text = events.TextNeedsHuman(**SAID, reason="not-understood")
    duties = [child.hears(text, hours).duties[0].duty for hours in (0, 1)]
    about = None if named is None else duties[named]
    child.hears(CareStepRecorded(**SAID, step="text-acted-on", duty=about), 2)
    assert {each for each in range(2) if not child.case.duties[duties[each]].goes_on} == ended


def test_news_of_two_places_of_a_child_who_is_not_missing_is_read_one_by_one() -> None:
    deed = {"deed": "text-read", "rests": "1h", "until": ["text.acted-on", "text.needs-nothing"]}
    child = child_with({"id": "read", "on": "child.information-received", "otherwise": ESCALATES} | deed)
    told = (events.ChildLocationClaimed(**SAID, channel="agency"), events.ChildLocated(**SAID, channel="mail"))
    first, second = (child.hears(each, hours).duties[0].duty for hours, each in enumerate(told))
    assert child.case.duties[first].goes_on
    assert child.case.duties[second].goes_on


def test_a_series_outlives_what_is_done_in_one_of_its_weeks() -> None:
    weekly = {"id": "weekly", "on": "child.reported-missing", "period": "10h", "every": "24h", "otherwise": ESCALATES}
    child = child_with(weekly | MEETING)
    for hours in (10, 34):
        waiting = due(child.hears(MISSING)) if hours == 10 else child.waiting
        content = events.RuleDue(**SAID, deadline=waiting.deadline, version=waiting.version, rule="weekly")
        (told,) = child.hears(content.model_copy(update={"episode": child.waiting.episode}), hours).duties
        child.hears(HELD, hours + 1)
        assert child.case.duties[told.duty].state is DutyState.DONE
        assert child.waiting.stood_down is None


@pytest.mark.parametrize(
    ("later", "ends"),
    [
        ({}, True),
        ({"tell": "child.team-manager", "by": "email"}, False),
        ({"until": ["missing-meeting.held", "child.left-care"]}, False),
        ({"day": "ends"}, False),
    ],
    ids=["the same", "another reader", "one that also ends otherwise", "one that ends with its day"],
)
def test_the_later_of_two_that_ask_one_reader_for_one_deed_takes_the_earlier_ones_place(
    later: dict[str, Any], ends: bool
) -> None:
    asks = MEETING | {"otherwise": ESCALATES}
    child = child_with(
        {"id": "first", "on": "child.presented"} | asks, {"id": "then", "on": "photograph.recorded"} | asks | later
    )
    (first,) = child.hears(care_events.ChildPresented(**SAID)).duties
    (then,) = (
        each
        for each in child.hears(care_events.PhotographRecorded(**SAID, taken_on=date(2026, 11, 1)), 1).duties
        if each.act == "tell"
    )
    assert (child.case.duties[first.duty].goes_on, child.case.duties[then.duty].goes_on) == (not ends, True)


@pytest.mark.parametrize("first", ["broad", "narrow"])
def test_of_two_of_one_moment_the_one_that_less_ends_takes_the_others_place_whichever_is_heard_of_first(
    first: str,
) -> None:
    asks = {"on": "child.reported-missing", "period": "24h"} | MEETING | {"otherwise": ESCALATES}
    broad = {"id": "broad", "tell": "child.team-manager", "until": ["missing-meeting.held", "child.left-care"]}
    child = child_with(asks | broad | {"by": "email"}, asks | {"id": "narrow"})
    due_ones = [each.content for each in child.hears(MISSING).deadlines]
    due_ones.sort(key=lambda each: getattr(each, "rule", "") != first)
    for count, content in enumerate(due_ones):
        child.hears(content, 24 + count / 3600)
    for duty in list(child.case.duties.values()):
        step = {"deadline": duty.duty, "version": duty.deadline_version, "duty": duty.duty, "step": duty.told}
        child.hears(events.DutyStepDue.model_validate(SAID | step), 28 + len(duty.rule) / 3600)
    assert {each.rule: each.goes_on for each in child.case.duties.values()} == {"broad": False, "narrow": True}


def test_what_a_report_ended_is_asked_for_again_after_the_return() -> None:
    rule = {"deed": "looked-after-status", "rests": "1h", "until": ["looked-after.recorded", "child.reported-missing"]}
    child = child_with({"id": "status", "on": "child.presented", "otherwise": ESCALATES} | rule)
    (told,) = child.hears(care_events.ChildPresented(**SAID)).duties
    child.hears(MISSING, 1)
    assert not child.case.duties[told.duty].goes_on
    child.hears(events.ChildReturned(**SAID, proof=events.Proof.AGENCY), 2)
    assert child.case.duties[told.duty].goes_on


def test_the_register_has_the_last_word_on_what_a_deed_has_said() -> None:
    rule = {"id": "desk", "on": "child.reported-missing", "when": {"all": ["child.subject-to-immigration-control"]}}
    child = child_with(rule | {"unknown": "counts-as-no"})
    child.hears(care_events.ImmigrationStatusRecorded(**SAID, subject_to_control=True))
    child.facts = FACTS.model_copy(update={"subject_to_immigration_control": False})
    assert child.hears(MISSING, 1).duties == []
    child.facts = FACTS
    child.hears(events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY), 2)
    assert [each.rule for each in child.hears(MISSING, 3).duties] == ["desk"]


def test_a_duty_that_ends_with_its_day_asks_nobody_after_it() -> None:
    rule = {"deed": "companion", "rests": "24h", "until": ["companion.goes"], "day": "ends", "otherwise": ESCALATES}
    child = child_with({"id": "who", "on": "legal-meeting.arranged"} | rule)
    (told,) = child.hears(care_events.LegalMeetingArranged(**SAID, on=date(2026, 11, 25))).duties
    answer = {"duty": told.duty, "step": 0, "how": "text"} | SAID
    child.hears(DutyAcknowledged.model_validate(answer), 1)
    for hours, asked in ((25, 1), (49, 0)):
        duty = child.case.duties[told.duty]
        step_due = {"deadline": duty.duty, "version": duty.deadline_version, "duty": duty.duty, "step": duty.told}
        decision = child.hears(events.DutyStepDue.model_validate(SAID | step_due), hours)
        assert [each.act for each in decision.duties].count("tell") == asked
    assert child.case.duties[told.duty].state is DutyState.CANCELLED


def test_a_photograph_that_an_absence_kept_from_being_asked_for_is_asked_for_within_the_week() -> None:
    happens = [
        {"at": "0m", "event": "child.accommodated"},
        {"at": "2h", "event": "child.reported-missing", "channel": "agency"},
        {"at": "30h", "event": "child.returned", "channel": "agency", "proof": "agency"},
    ]
    story = {"story": "a photograph", "begins": "2026-11-24T10:00:00+00:00", "happens": happens, "until": "400h"}
    told = tell(story_of(story | {"told": []}), Library(files())).told
    asked = [each for each in told if each.duty.wording == Wording("photo-due")]
    assert {each.duty.rule for each in asked if each.after <= timedelta(hours=30)} == {"photograph-is-missing"}
    first = next(each.after for each in asked if each.duty.rule == "photograph-is-asked-for")
    assert first == timedelta(days=8)
