"""Each event sets off what it means for the child, in the child's episode or beside it: here by a rule for every word there is."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Facts, Marked
from services.protocol.policy.draft import Decision
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import care_events, events
from services.safeguarding.child_events import care_events as care
from services.safeguarding.child_events import care_events as plan
from services.safeguarding.child_events import discussion_events as discussion
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.message import Message
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

SAID = {"authority": "northshire"}
FORCE = {**SAID, "force": "north-force", "reply": "r"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
WATCHED = [
    Trigger.DECISION_REFUSED,
    Trigger.DECISION_UASC_LEAVE,
    Trigger.APPEAL_DISMISSED,
    Trigger.NRM_NEGATIVE,
    Trigger.EXTENSION_REFUSED,
]
EVERY_WORD = only(*({"id": each.replace(".", "-"), "on": each} for each in Trigger), watch_on=WATCHED)


class Child(OneChild):
    def __init__(self) -> None:
        super().__init__(CHILD, FACTS, EVERY_WORD)


def words(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties if each.act == "tell"]


def of(kind: type[Message], **about: Any) -> Message:
    return kind.model_validate(SAID | about)


DAY = date(2026, 12, 1)
LAWFUL, UNLAWFUL = (
    of(care.AgeDetermined, found="adult", assessed_on=DAY, case_law_compliant=lawful) for lawful in (True, False)
)
BESIDE: list[tuple[Message, list[str]]] = [
    (of(care.ChildPresented), ["child-presented", "child-presented-with-concern"]),
    (of(care.ChildPresented, concern=True), ["child-presented", "child-presented-with-concern"]),
    (of(care.ChildPresented, concern=False), ["child-presented"]),
    (of(care.ChildPresented, concern=False, trafficking_suspected=True), ["child-presented", "trafficking-suspected"]),
    (of(care.ChildAccommodated), ["child-accommodated", "section-20-began"]),
    (of(care.ChildAccommodated, under="court-order"), ["child-accommodated"]),
    (of(care.ChildLeftCare), ["child-left-care"]),
    (of(care.ChildApproaching18), ["child-approaching-18"]),
    (of(care.ChildTurned18), ["child-turned-18"]),
    (of(care.AgeDisputeOpened), ["age-dispute-opened"]),
    (LAWFUL, ["age-found-adult"]),
    (UNLAWFUL, ["age-unlawfully-determined"]),
    (of(care.PlacementChanged), ["placement-changed"]),
    (of(care.EmergencyAccommodationRequested), ["emergency-accommodation-requested"]),
    (
        of(care.EmergencyAccommodationRequested, bed_and_breakfast=True),
        ["emergency-accommodation-requested", "bed-and-breakfast-requested"],
    ),
    (of(care.PhotographRecorded, taken_on=DAY), ["photograph-recorded"]),
    (of(care.ContactsChecked), ["contacts-checked"]),
    (of(care.ProfileRecorded, changed=False, photograph=True), ["profile-recorded"]),
    (of(care.CarerAwarenessRecorded), ["carers-made-aware"]),
    (of(plan.AsylumStageRecorded, stage="interview"), ["asylum-stage-recorded"]),
    (
        of(plan.AsylumStageRecorded, stage="current-circumstances-part-2"),
        ["asylum-stage-recorded", "return-considered"],
    ),
    (of(plan.NrmReferralRecorded), ["nrm-referred"]),
    (of(plan.NrmReferralRecorded, needed=False), ["nrm-not-needed"]),
    (of(plan.AppealRightsExhausted), ["appeal-rights-exhausted"]),
    (of(plan.AppealRightsExhausted, lawful_basis=True), []),
    (of(plan.AppealRightsExhausted, claim_outstanding=True), []),
    (of(plan.FamilyTracingRecorded), ["family-tracing-recorded"]),
    (of(plan.FamilyContactProposed), ["family-contact-proposed"]),
    (of(plan.FamilyContactProposed, fear_or_distress=True), ["family-contact-stopped"]),
    (
        of(plan.RiskAssessmentRecorded, missing="low", trafficker_influence="low", review_on=DAY),
        ["risk-assessment-recorded"],
    ),
    (of(plan.ProtectiveMeasuresRecorded), ["protective-measures-recorded"]),
    (of(plan.LegalMeetingArranged, on=DAY), ["legal-meeting-arranged"]),
    (of(plan.InterpreterChecked, trained=True, independent=True), ["interpreter-checked"]),
    (of(plan.InterpreterChecked, trained=True, independent=False), ["interpreter-unfit"]),
    (of(plan.InterpreterChecked, trained=False, independent=True), ["interpreter-unfit"]),
    (of(plan.LegalAdviserVerified, qualification="oisc-3"), ["legal-adviser-verified"]),
    (of(plan.LegalAdviserVerified, qualification="oisc-1"), ["legal-adviser-unfit"]),
    (of(plan.ReviewDue), ["review-due"]),
    (of(plan.ReviewDue, review="education-step"), ["review-education-due"]),
    (of(plan.ReviewDue, review="health-step"), ["review-health-due"]),
    (of(plan.ReturnHomePlanned, voluntary=True), ["return-home-planned"]),
    (of(plan.IndependentVisitorOffered, accepted=True, role_understood=True), ["independent-visitor-offered"]),
    (
        of(plan.IndependentVisitorOffered, accepted=True, role_understood=False),
        ["independent-visitor-offered", "independent-visitor-unexplained"],
    ),
    (
        of(plan.IndependentVisitorOffered, accepted=False, role_understood=True),
        ["independent-visitor-offered", "independent-visitor-unexplained"],
    ),
    (of(plan.AdvocacyExplained, accepted=False), ["advocacy-explained"]),
    (of(plan.LeaveExpiring), ["leave-expiring"]),
    (of(plan.WatchTalkPlanned), ["watch-talk-planned"]),
    (of(events.AsylumDecisionRecorded, outcome="refused"), ["decision-refused", "watch-opened", "decision-undated"]),
    (
        of(events.AsylumDecisionRecorded, outcome="uasc-leave"),
        ["decision-uasc-leave", "watch-opened", "decision-undated"],
    ),
    (of(events.AsylumDecisionRecorded, outcome="refugee-status"), ["decision-granted"]),
    (of(events.AsylumDecisionRecorded, outcome="refused", corrects=True), ["decision-undated"]),
    (of(events.AsylumDecisionRecorded, outcome="refused", corrects=True, sent_on=DAY), ["decision-dated"]),
    (of(events.AsylumDecisionRecorded, outcome="refugee-status", corrects=True), []),
    (of(events.AppealDecided, result="dismissed"), ["appeal-decided", "appeal-dismissed", "watch-opened"]),
    (of(events.AppealDecided, result="allowed"), ["appeal-decided"]),
    (
        of(events.NrmDecisionRecorded, stage="reasonable-grounds", positive=True),
        ["nrm-decided", "nrm-reasonable-grounds"],
    ),
    (of(events.NrmDecisionRecorded, stage="conclusive-grounds", positive=True), ["nrm-decided"]),
    (
        of(events.NrmDecisionRecorded, stage="reasonable-grounds", positive=False),
        ["nrm-decided", "nrm-negative", "watch-opened"],
    ),
    (of(care_events.LeaveGranted, expires_on=DAY), ["leave-granted"]),
    (of(care_events.LeaveGranted), ["leave-granted", "leave-without-end"]),
    (of(care_events.LeaveApplicationRecorded), ["leave-application-recorded"]),
    (of(care_events.LeaveApplicationRecorded, valid=False), ["leave-application-unfit"]),
    (of(care_events.LeaveApplicationEnded, result="withdrawn"), ["leave-application-ended"]),
    (
        of(care_events.LeaveApplicationEnded, result="refused"),
        ["leave-application-ended", "extension-refused", "watch-opened"],
    ),
    (of(events.ChildRecordChanged), ["child-record-changed"]),
    (of(discussion.ChildProtectionConferenceHeld), ["child-protection-conference-held"]),
    (of(care.TransferProposed), ["transfer-unconsidered", "transfer-proposed"]),
    (of(care.MissingMeetingHeld), ["missing-meeting-held"]),
]


@pytest.mark.parametrize(("event", "expected"), BESIDE)
def test_what_is_of_the_child_sets_off_its_word_beside_the_episode_that_is_open(
    event: Message, expected: list[str]
) -> None:
    child = Child()
    child.hears(MISSING)
    decision = child.hears(event, 1)
    assert words(decision) == expected
    assert {each.episode for each in decision.duties} <= {None}
    if not expected:
        assert [(each.verdict, each.episode) for each in decision.decided] == [(Verdict.CHANGED, None)]


def test_an_assessment_that_the_law_does_not_allow_is_recorded_as_unverified() -> None:
    noted = Child().hears(UNLAWFUL).decided[0]
    assert (noted.verdict, noted.episode) == (Verdict.UNVERIFIED, None)


REFERENCE = of(events.PoliceReferenceGiven, **FORCE, reference_kind="incident")
WITHIN: list[tuple[Message, list[str]]] = [
    (of(plan.ParentsDecisionRecorded, decision="withhold"), ["parents-decision-recorded"]),
    (of(events.PoliceAcknowledged, **FORCE), ["police-acknowledged"]),
    (REFERENCE, ["police-reference-given"]),
    (of(events.PoliceRiskGraded, **FORCE, grade="high"), ["police-risk-graded", "police-graded-high"]),
    (of(events.PoliceRiskGraded, **FORCE, grade="low"), ["police-risk-graded", "police-graded-low"]),
    (of(events.PoliceRiskGraded, **FORCE, grade="no-apparent-risk"), ["police-risk-graded", "police-graded-low"]),
    (of(events.PoliceClosed, **FORCE), ["police-closed"]),
    (
        of(discussion.StrategyDiscussionCancelled),
        [
            "strategy-discussion-cancelled",
            "strategy-discussion-cancelled-urgent",
            "strategy-discussion-cancelled-in-full",
        ],
    ),
    (
        of(discussion.StrategyDiscussionCancelled, form="full"),
        ["strategy-discussion-cancelled", "strategy-discussion-cancelled-in-full"],
    ),
    (
        of(discussion.StrategyDiscussionHeld, form="urgent", section_47="under-way"),
        ["strategy-discussion-held", "strategy-discussion-held-urgent"],
    ),
    (
        of(discussion.StrategyDiscussionHeld, form="full", section_47="no-enquiry"),
        ["strategy-discussion-held", "strategy-discussion-held-in-full"],
    ),
    (of(care.ChildTransferred), ["child-transferred-elsewhere"]),
    (of(care.ChildTransferred, to="westmere", outside_england=True), ["child-transferred-elsewhere"]),
    (of(care.ChildTransferred, to="westmere"), ["child-transferred"]),
    (of(events.SafeAndWellCheckRecorded), ["safe-and-well-check-recorded"]),
    (of(events.ReturnInterviewRecorded, state="offered"), ["return-interview-offered"]),
    (of(events.ReturnInterviewRecorded, state="completed"), ["return-interview-offered", "return-interview-done"]),
]


@pytest.mark.parametrize(("event", "expected"), WITHIN)
def test_what_is_of_the_episode_sets_off_its_word_within_it(event: Message, expected: list[str]) -> None:
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    decision = child.hears(event, 1)
    assert words(decision) == expected
    assert {each.episode for each in decision.duties} == {episode}


@pytest.mark.parametrize(("event", "expected"), [each for each in WITHIN if each[0].kind.startswith("police")])
def test_a_word_of_police_about_a_child_of_whom_no_episode_is_known_is_heard_all_the_same(
    event: Message, expected: list[str]
) -> None:
    decision = Child().hears(event)
    assert words(decision) == expected
    assert {each.episode for each in decision.duties} == {None}
    assert decision.case.episodes == {}


def test_what_was_the_last_to_be_met_closes_the_episode_within_it() -> None:
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    child.hears(BACK, 1)
    told = child.hears(of(events.PoliceClosed, **FORCE), 2).duties
    assert [(each.rule, each.episode) for each in told] == [("police-closed", episode), ("episode-closed", episode)]


def test_an_enquiry_outlives_the_episode_in_which_it_was_decided_upon() -> None:
    child = Child()
    child.hears(MISSING)
    (episode,) = child.case.episodes
    held = of(discussion.StrategyDiscussionHeld, form="urgent", section_47="enquiry")
    told = child.hears(held, 1).duties
    assert [(each.rule, each.episode) for each in told] == [
        ("strategy-discussion-held", episode),
        ("strategy-discussion-held-urgent", episode),
        ("section-47-started", None),
    ]


@pytest.mark.parametrize(
    ("event", "mark", "before", "after"),
    [
        (of(care.ChildAccommodated), Mark.ACCOMMODATED, None, True),
        (of(care.ChildAccommodated, under="other"), Mark.ACCOMMODATED, None, None),
        (of(care.ChildLeftCare), Mark.ACCOMMODATED, True, False),
        (of(care.ChildLeftCare), Mark.LOOKED_AFTER, True, False),
        (of(care.AgeDisputeOpened), Mark.AGE_DISPUTED, None, True),
        (LAWFUL, Mark.AGE_DISPUTED, True, False),
        (UNLAWFUL, Mark.AGE_DISPUTED, True, True),
        (of(plan.NrmReferralRecorded), Mark.NRM_REFERRED, None, True),
        (of(plan.NrmReferralRecorded), Mark.TREATED_AS_VICTIM, None, True),
        (of(events.NrmDecisionRecorded, stage="reasonable-grounds", positive=True), Mark.TREATED_AS_VICTIM, None, True),
        (of(events.NrmDecisionRecorded, stage="reasonable-grounds", positive=False), Mark.TREATED_AS_VICTIM, True, True),
        (of(events.NrmDecisionRecorded, stage="conclusive-grounds", positive=False), Mark.TREATED_AS_VICTIM, True, False),
        (of(discussion.ChildProtectionConferenceHeld), Mark.SECTION_47, True, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("exercise", [False, True])
def test_what_becomes_so_of_the_child_is_marked_with_its_time_and_never_by_an_exercise(
    event: Message, mark: Mark, before: bool | None, after: bool | None, exercise: bool
) -> None:
    child = Child()
    known = {} if before is None else {mark: Marked(on=before, since=START)}
    child.case = child.case.model_copy(update={"record": child.case.record.model_copy(update={"marks": known})})
    child.hears(event, 1, exercise=exercise)
    changed = after != before and not exercise
    assert child.case.record.marks.get(mark) == (
        Marked(on=bool(after), since=START + timedelta(hours=1)) if changed else known.get(mark)
    )
