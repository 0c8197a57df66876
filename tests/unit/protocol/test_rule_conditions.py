"""A rule tells where its conditions hold, says why it did not, and each question is asked of the right child, episode and time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.protocol.policy.case import Facts, Marked, Record
from services.protocol.policy.draft import Decision
from services.protocol.policy.rule_language.vocabulary import Mark
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.duty.duties import DutyAccepted
from services.safeguarding.message import Message
from services.safeguarding.roles import Role
from services.safeguarding.working_time import FIRST_HOURS
from tests.support.histories.one_child import CHILD, START, OneChild
from tests.support.histories.own_rules import only

ANN = "person-00000000-0000-4000-8000-00000000000a"
SAID = {"authority": "northshire"}
FACTS = Facts(authority="northshire", force="north-force")
MISSING = events.ChildReportedMissing(**SAID, said_by=ANN, channel="text")
LOCATED = events.ChildLocated(**SAID, proof=events.Proof.AGENCY)
BACK = events.ChildReturned(**SAID, proof=events.Proof.AGENCY)
CHECK = events.SafeAndWellCheckRecorded(**SAID)
WORDS = events.ChildInformationReceived(**SAID)
TEXTED = events.PoliceReferenceTexted(**SAID)
GIVEN = events.PoliceReferenceGiven(
    **SAID, force="north-force", reply="r", reference_kind=events.ReferenceKind.INCIDENT
)
GRANTED = care_events.LeaveGranted(**SAID, expires_on=date(2027, 3, 1))
REFUSED = events.AsylumDecisionRecorded(**SAID, outcome=events.AsylumOutcome.REFUSED)
POLICE = {"id": "police", "on": "child.reported-missing", "tell": "police.control-room", "by": "webhook"}


class Child(OneChild):
    def __init__(self, *rules: dict[str, Any], facts: Facts = FACTS) -> None:
        super().__init__(CHILD, facts, only(*rules, watch_on=["decision.refused"]))

    def after(self, *history: Message) -> "Child":
        for hour, each in enumerate(history):
            self.hears(each, hour)
        return self


def rules(decision: Decision) -> list[str]:
    return [each.rule for each in decision.duties if each.act == "tell"]


def interview(state: str) -> Message:
    return events.ReturnInterviewRecorded.model_validate({**SAID, "state": state})


@pytest.mark.parametrize(
    ("question", "history", "holds"),
    [
        ("child.missing", (), False),
        ("child.missing", (MISSING,), True),
        ("child.missing", (MISSING, LOCATED), False),
        ("child.not-back", (MISSING, LOCATED), True),
        ("child.not-back", (MISSING, BACK), False),
        ("child.watched", (MISSING,), False),
        ("child.watched", (MISSING, REFUSED), True),
        ("leave.date-known", (MISSING,), False),
        ("leave.date-known", (MISSING, GRANTED), True),
        ("police.accepted", (MISSING,), False),
        ("police.reference-known", (), False),
        ("police.reference-known", (MISSING,), False),
        ("police.reference-known", (MISSING, TEXTED), True),
        ("safe-and-well-check.recorded", (MISSING,), False),
        ("safe-and-well-check.recorded", (MISSING, CHECK), True),
        ("return-interview.offered", (), False),
        ("return-interview.offered", (MISSING,), False),
        ("return-interview.offered", (MISSING, interview("offered")), True),
        ("return-interview.done", (MISSING, interview("offered")), False),
        ("return-interview.done", (MISSING, interview("declined")), True),
        ("child.photographed", (MISSING,), False),
        ("child.photographed", (care_events.PhotographRecorded(**SAID, taken_on=date(2026, 11, 1)),), True),
        ("contacts.checked", (MISSING,), False),
        ("contacts.checked", (care_events.ContactsChecked(**SAID),), True),
        ("police.reference-known", (MISSING, GIVEN), True),
        ("child.accommodated", (MISSING,), False),
        ("child.accommodated", (care_events.ChildAccommodated(**SAID),), True),
        ("child.nrm-referred", (care_events.NrmReferralRecorded(**SAID),), True),
        ("child.modern-slavery-concern", (care_events.NrmReferralRecorded(**SAID),), True),
        ("child.age-disputed", (care_events.AgeDisputeOpened(**SAID),), True),
    ],
)
def test_a_question_is_asked_of_the_child_and_of_the_episode_as_they_are_now(
    question: str, history: tuple[Message, ...], holds: bool
) -> None:
    known = {"modern_slavery_concern": False, "age_disputed": False}
    child = Child(
        POLICE,
        {"id": "asked", "on": "child.luring-suspected", "when": {"all": [question]}},
        facts=FACTS.model_copy(update=known),
    )
    decision = child.after(*history).hears(events.ChildLuringSuspected(**SAID), 9)
    assert rules(decision) == ["asked"] * holds
    episode = next(iter(child.case.episodes), None) if BACK not in history else None
    noted = [(each.verdict, each.rule, each.episode) for each in decision.decided]
    assert noted == [(Verdict.TOLD if holds else Verdict.CONDITION_NOT_MET, "asked", episode)]


def test_that_police_have_it_is_asked_of_this_episode_and_of_their_notice() -> None:
    asked = {"id": "asked", "on": "child.information-received", "when": {"all": ["police.accepted"]}}
    child = Child(POLICE, {"id": "worker", "on": "child.reported-missing"}, asked)
    for hour in (0, 3):
        police, worker = child.hears(MISSING, hour).duties
        child.hears(DutyAccepted(**SAID, duty=worker.duty, step=0), hour + 0.1)
        assert rules(child.hears(WORDS, hour + 0.2)) == []
        child.hears(DutyAccepted(**SAID, duty=police.duty, step=0), hour + 0.3)
        assert rules(child.hears(WORDS, hour + 0.4)) == ["asked"]
        child.hears(BACK, hour + 1)


def test_missing_again_is_asked_of_an_episode_that_is_over_while_another_is_open() -> None:
    asked = {"id": "asked", "on": "child.returned", "period": "5h", "when": {"all": ["child.missing-again"]}}
    for again in (False, True):
        child = Child(asked).after(MISSING)
        (due,) = child.hears(BACK, 1).deadlines
        if again:
            child.hears(MISSING, 2)
        assert rules(child.hears(due.content, 6)) == ["asked"] * again


@pytest.mark.parametrize("unknown", ["counts-as-yes", "counts-as-no"])
def test_what_nobody_knows_is_named_whether_somebody_is_told_or_nobody(unknown: str) -> None:
    rule = {"id": "asked", "on": "child.information-received", "when": {"all": ["child.unaccompanied"]}}
    decision = Child(rule | {"unknown": unknown}).hears(WORDS)
    (noted,) = decision.decided
    verdict = Verdict.TOLD if unknown == "counts-as-yes" else Verdict.CONDITION_NOT_MET
    assert (noted.verdict, noted.rule, noted.unknown) == (verdict, "asked", ("child.unaccompanied",))
    assert (noted.about, noted.about_id, noted.authority) == (WORDS.kind, f"{CHILD} 1", "northshire")
    assert (noted.protocol, noted.cites) == ("own 1", ("S13",))
    assert noted.duty == (decision.duties[0].duty if decision.duties else None)


@pytest.mark.parametrize("provisional", [True, False])
def test_whether_anybody_knows_who_the_child_is_is_asked_of_the_child(provisional: bool) -> None:
    child = Child({"id": "asked", "on": "child.information-received", "when": {"all": ["child.provisional"]}})
    if provisional:
        child.case = child.case.model_copy(update={"child": CHILD.replace("child-", "provisional-")})
    assert rules(child.hears(WORDS)) == ["asked"] * provisional


def test_whom_nobody_has_named_nobody_writes_to() -> None:
    child = Child({"id": "named", "on": "child.information-received", "tell": "directory.contact"})
    assert child.hears(WORDS).duties == []
    (told,) = child.hears(WORDS.model_copy(update={"said_by": ANN, "channel": "text"})).duties
    assert (told.role, told.person) == (Role.DIRECTORY_CONTACT, ANN)


@pytest.mark.parametrize(("owner", "told"), [(Role.CHILD_GUARDIAN, [Role.CHILD_GUARDIAN]), (None, [])])
def test_the_owner_of_a_step_is_told_where_there_is_one(owner: Role | None, told: list[Role]) -> None:
    child = Child({"id": "step", "on": ["plan-step.set", "child.information-received"], "tell": "plan.owner"})
    step = (
        WORDS
        if owner is None
        else discussion_events.PlanStepSet(**SAID, discussion=1, number=1, owner=owner, due_on=date(2026, 12, 1))
    )
    assert [each.role for each in child.hears(step).duties] == told


def test_what_a_rule_makes_so_is_so_once_it_has_told_somebody() -> None:
    rule = {"id": "counts", "on": "child.information-received", "marks": "looked-after"}
    nobody = Child(rule | {"tell": "plan.owner"})
    nobody.hears(WORDS, 1)
    assert nobody.case.record.marks == {}
    child = Child(rule)
    child.hears(WORDS, 1)
    assert child.case.record.marks == {Mark.LOOKED_AFTER: Marked(on=True, since=START + timedelta(hours=1))}


@pytest.mark.parametrize(
    ("days", "risk"), [([], False), ([1], False), ([1, 89], True), ([1, 90], False), ([91, 92], False)]
)
def test_risk_is_raised_for_a_child_who_was_missing_more_than_once_within_ninety_days(
    days: list[int], risk: bool
) -> None:
    child = Child({"id": "told", "on": "child.information-received"})
    opened = tuple(START - timedelta(days=each) for each in days)
    child.case = child.case.model_copy(update={"record": Record(opened=opened)})
    (duty,) = child.hears(WORDS).duties
    assert duty.raised_risk is risk


@pytest.mark.parametrize(("hours", "risk"), [(-1, False), (0, True), (71, True), (72, False)])
def test_risk_is_raised_in_the_first_hours_of_care(hours: float, risk: bool) -> None:
    assert timedelta(hours=72) == FIRST_HOURS
    facts = FACTS.model_copy(update={"entered_care_at": START - timedelta(hours=hours)})
    asked = {"id": "first", "on": "child.information-received", "when": {"all": ["child.in-first-72-hours"]}}
    told = Child({"id": "told", "on": "child.information-received"}, asked, facts=facts).hears(WORDS).duties
    assert [each.rule for each in told] == (["told", "first"] if risk else ["told"])
    assert told[0].raised_risk is risk


@pytest.mark.parametrize(
    ("question", "count", "days", "holds"),
    [
        ("child.missing-times-in-90-days", 2, [1, 89], True),
        ("child.missing-times-in-90-days", 2, [1, 90], False),
        ("child.missing-times-in-90-days", 3, [1, 2], False),
        ("child.missing-times-in-30-days", 2, [1, 29], True),
        ("child.missing-times-in-30-days", 2, [1, 30], False),
    ],
)
def test_how_often_a_child_was_missing_is_counted_within_days(
    question: str, count: int, days: list[int], holds: bool
) -> None:
    child = Child({"id": "often", "on": "child.information-received", "when": {"all": [{question: count}]}})
    opened = tuple(START - timedelta(days=each) for each in days)
    child.case = child.case.model_copy(update={"record": Record(opened=opened)})
    assert rules(child.hears(WORDS)) == ["often"] * holds


@pytest.mark.parametrize(
    ("record", "question", "holds"),
    [
        (Record(photo_taken_on=date(2026, 8, 27)), "child.photographed", True),
        (Record(photo_taken_on=date(2026, 8, 26)), "child.photographed", False),
        (Record(contacts_checked_at=START - timedelta(days=30, seconds=-1)), "contacts.checked", True),
        (Record(contacts_checked_at=START - timedelta(days=30)), "contacts.checked", False),
        (Record(marks={Mark.AGE_DISPUTED: Marked(on=False, since=START)}), "child.age-disputed", False),
        (Record(marks={Mark.TREATED_AS_VICTIM: Marked(on=False, since=START)}), "child.modern-slavery-concern", True),
    ],
)
def test_what_is_too_old_is_not_known_any_more_and_a_later_finding_goes_before_the_register(
    record: Record, question: str, holds: bool
) -> None:
    asked = {"id": "asked", "on": "child.information-received", "when": {"all": [question]}}
    child = Child(asked, facts=FACTS.model_copy(update={"age_disputed": True, "modern_slavery_concern": True}))
    child.case = child.case.model_copy(update={"record": record})
    assert rules(child.hears(WORDS)) == ["asked"] * holds


@pytest.mark.parametrize(("hour", "holds"), [(22, True), (23, False)])
def test_a_photograph_ages_at_midnight_in_england_in_summer_too(hour: int, holds: bool) -> None:
    child = Child({"id": "asked", "on": "child.information-received", "when": {"all": ["child.photographed"]}})
    child.hears(care_events.PhotographRecorded(**SAID, taken_on=date(2027, 4, 12)))
    summer = datetime(2027, 7, 10, hour, 30, tzinfo=UTC)
    assert rules(child.hears(WORDS, (summer - START) / timedelta(hours=1))) == ["asked"] * holds
