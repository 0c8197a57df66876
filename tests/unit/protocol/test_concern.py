"""A concern about a child: one discussion at a time, one check for a referral, and a guardian asked for once in one matter."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.protocol.policy.case import Facts
from services.protocol.policy.draft import Decision
from services.safeguarding.child_events import care_events, discussion_events, events
from services.safeguarding.child_events.care_events import ChildPresented
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Channel, Wording
from tests.support.histories.one_child import CHILD, START, ByDay, OneChild

SAID: dict[str, Any] = {"authority": "northshire"}
FACTS = Facts(
    authority="northshire", force="north-force", modern_slavery_concern=True, subject_to_immigration_control=False
)
LURED = events.ChildLuringSuspected(**SAID)
FALSE_ALARM = events.ReportRetracted(**SAID, retracts="missing", proof=events.Proof.AGENCY)
MISSING = events.ChildReportedMissing(**SAID)
PRESENTED = ChildPresented(**SAID, concern=True, trafficking_suspected=True)
HELD = discussion_events.StrategyDiscussionHeld(**SAID, form="urgent", section_47="no-enquiry")
CALLED_OFF = discussion_events.StrategyDiscussionCancelled(**SAID)
REFERRED = care_events.NrmReferralRecorded(**SAID)
FOUND = events.NrmDecisionRecorded(**SAID, stage="reasonable-grounds", positive=True)
CONCLUDED = events.NrmDecisionRecorded(**SAID, stage="conclusive-grounds", positive=True)
LONG_AGO = START - timedelta(days=300)
THREE = {"police.missing-coordinator", "duty.worker", "child.health-practitioner"}


def invited(decision: Decision) -> set[str]:
    return {
        each.role
        for each in decision.duties
        if each.channel == Channel.INVITATION and each.wording == Wording("strategy-discussion") and each.step == 0
    }


def asked(decision: Decision, wording: Wording) -> list[str]:
    return [each.rule for each in decision.duties if each.wording == wording and each.act == "tell"]


@pytest.mark.parametrize("first", [LURED, PRESENTED])
def test_a_concern_calls_one_discussion_of_the_child_that_a_second_one_joins(first: Message) -> None:
    child = OneChild(CHILD, FACTS)
    called = child.hears(first)
    assert invited(called) == THREE
    assert len({each.refers_to for each in called.duties if each.channel == Channel.INVITATION}) == 1
    assert invited(child.hears(LURED, 1.9)) == set()
    assert invited(child.hears(LURED, 2)) == THREE, "its time is over, recorded or not"


@pytest.mark.parametrize("over", [HELD, CALLED_OFF])
def test_a_discussion_that_was_held_or_called_off_hears_of_no_later_concern(over: Message) -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(LURED)
    child.hears(over, 1)
    assert invited(child.hears(LURED, 1.5)) == THREE


def test_a_child_who_is_missing_has_a_discussion_of_its_own_and_a_concern_meanwhile_calls_no_other() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(LURED)
    missing = child.hears(MISSING, 0.5)
    (episode,) = child.case.episodes
    assert invited(missing) == {"police.missing-coordinator", "duty.worker"}, "by night, those who are on call"
    assert {each.episode for each in missing.duties if each.channel == Channel.INVITATION} == {episode}
    assert invited(child.hears(LURED, 0.6)) == set()
    assert invited(child.hears(LURED, 24)) == THREE, "a new concern about a child who is missing still"


def discussed(decision: Decision) -> set[UUID]:
    """The discussions to which it invites, by the ids that strategy knows them by."""
    told = [each for each in decision.duties if each.act == "tell" and each.channel == Channel.INVITATION]
    return {name for name in (each.episode or each.refers_to for each in told) if name is not None}


class LuredThenMissing(OneChild):
    """A discussion of its luring is to come, and another since it is missing."""

    def __init__(self) -> None:
        super().__init__(CHILD, FACTS)
        [self.of_luring] = discussed(self.hears(LURED))
        [self.episode] = discussed(self.hears(MISSING, 0.5))

    def invited_still(self) -> set[UUID | None]:
        return {each.episode for each in self.case.duties.values() if each.goes_on and each.invites_to_discussion}


@pytest.mark.parametrize("over", [HELD, CALLED_OFF])
def test_what_becomes_of_the_discussion_of_a_luring_ends_nothing_of_the_missing_child_s_own(over: Message) -> None:
    child = LuredThenMissing()
    child.hears(over.model_copy(update={"episode": child.of_luring}), 1)
    assert child.invited_still() == {child.episode}
    assert not child.case.episodes[child.episode].discussion_over
    child.hears(over.model_copy(update={"episode": child.episode}), 2)
    assert child.invited_still() == set()
    assert child.case.episodes[child.episode].discussion_over


@pytest.mark.parametrize("over", [HELD, CALLED_OFF])
def test_what_becomes_of_the_missing_child_s_discussion_ends_nothing_of_the_one_of_a_luring(over: Message) -> None:
    child = LuredThenMissing()
    child.hears(over.model_copy(update={"episode": child.episode}), 1)
    assert child.invited_still() == {None}
    child.hears(over.model_copy(update={"episode": child.of_luring}), 2)
    assert child.invited_still() == set()


def test_the_record_of_the_discussion_of_a_luring_is_asked_for_while_the_child_is_missing_until_it_is_in() -> None:
    child = LuredThenMissing()
    due = discussion_events.StrategyRecordDue(**SAID, episode=child.of_luring, discussion=1)
    [ask] = child.hears(due, 2).duties
    assert (ask.wording, ask.episode, ask.refers_to) == (Wording("strategy-record"), None, child.of_luring)
    assert not child.case.episodes[child.episode].discussion_over
    child.hears(HELD.model_copy(update={"episode": child.episode}), 3)
    assert child.case.duties[ask.duty].goes_on
    full = child.hears(HELD.model_copy(update={"episode": child.of_luring}), 15)
    assert not child.case.duties[ask.duty].goes_on
    [in_full] = discussed(full)
    assert in_full not in {child.of_luring, child.episode}, "its full meeting is one of its own"


def test_whether_all_come_to_the_discussion_of_a_luring_says_nothing_of_the_missing_child_s_own() -> None:
    child = LuredThenMissing()
    lacking = discussion_events.StrategyWithoutQuorum(**SAID, episode=child.episode, discussion=1, lacking=("health",))
    [told] = child.hears(lacking, 1).duties
    reached = discussion_events.StrategyQuorumReached(**SAID, episode=child.of_luring, discussion=1)
    [other] = child.hears(reached, 1.1).duties
    assert (told.episode, other.episode) == (child.episode, None)
    assert child.case.duties[told.duty].goes_on


class MissingThenLured(OneChild):
    """The child's discussion was called with the report, an hour before somebody suspected luring."""

    def __init__(self, begins: datetime = START) -> None:
        super().__init__(CHILD, FACTS)
        self.begins = begins
        self.hears(MISSING)
        self.luring = self.hears(LURED, 1)

    def asked_still(self) -> list[str]:
        return [
            each.rule for each in self.case.duties.values() if each.goes_on and each.wording == Wording("nrm-check-due")
        ]


def test_a_check_after_luring_outlives_a_false_alarm_and_is_the_only_one_that_is_asked_for() -> None:
    child = MissingThenLured(ByDay.begins)
    assert child.asked_still() == ["nrm-check-after-luring"]
    alarm = child.hears(FALSE_ALARM, 2)
    assert (child.asked_still(), asked(alarm, Wording("nrm-check-due"))) == (["nrm-check-after-luring"], [])


def test_a_luring_that_was_to_be_weighed_with_a_false_alarm_has_a_discussion_of_its_own() -> None:
    child = MissingThenLured()
    assert invited(child.luring) == set(), "the child's own is to come"
    alarm = child.hears(FALSE_ALARM, 1.5)
    assert {each.role for each in alarm.duties if each.act == "tell" and each.channel == Channel.INVITATION} == THREE
    assert not {each.wording for each in alarm.duties if each.act == "tell"} & {Wording("luring-suspected")}
    [of_luring] = discussed(alarm)
    assert of_luring not in child.case.episodes
    assert invited(child.hears(LURED, 2)) == set()
    child.hears(MISSING, 12)
    child.hears(FALSE_ALARM, 13)
    still = [each for each in child.case.duties.values() if each.goes_on and each.invites_to_discussion]
    assert {each.refers_to for each in still} == {of_luring}, "no false alarm ends it"


def test_a_luring_that_was_weighed_calls_nobody_when_the_report_proves_a_false_alarm() -> None:
    child = MissingThenLured()
    child.hears(HELD, 2)
    assert discussed(child.hears(FALSE_ALARM, 3)) == set()


def test_a_luring_that_called_its_own_discussion_meanwhile_keeps_it_and_calls_no_other_on_a_false_alarm() -> None:
    none = {
        "modern_slavery_concern": False,
        "entered_care_at": LONG_AGO,
        "adult_on": START.date() + timedelta(days=500),
    }
    child = OneChild(CHILD, FACTS.model_copy(update=none))
    child.hears(MISSING)
    called = child.hears(LURED, 0.2)
    assert invited(called) == THREE
    alarm = child.hears(FALSE_ALARM, 0.7)
    assert discussed(alarm) == set()
    still = [each for each in child.case.duties.values() if each.goes_on and each.invites_to_discussion]
    assert {each.role for each in still} == THREE


def test_a_luring_right_after_a_false_alarm_has_a_discussion() -> None:
    child = OneChild(CHILD, FACTS)
    child.hears(MISSING)
    assert discussed(child.hears(FALSE_ALARM, 0.5)) == set()
    assert invited(child.hears(LURED, 1)) == THREE


def test_the_full_meeting_about_a_luring_is_not_called_off_by_a_false_alarm() -> None:
    child = OneChild(CHILD, FACTS)
    [of_luring] = discussed(child.hears(LURED))
    [in_full] = discussed(child.hears(HELD.model_copy(update={"episode": of_luring}), 15))
    child.hears(MISSING, 16)
    child.hears(FALSE_ALARM, 17)
    assert in_full in {each.refers_to for each in child.case.duties.values() if each.goes_on}


def test_an_exercise_stands_in_for_nothing_that_is_real() -> None:
    child = ByDay(CHILD, FACTS)
    child.hears(LURED, exercise=True)
    real = child.hears(LURED, 0.1)
    assert invited(real) == THREE
    assert asked(real, Wording("nrm-check-due")) == ["nrm-check-after-luring"]
    assert asked(real, Wording("guardian-asked")) == ["guardian-is-asked-for"]
    practised = child.hears(MISSING, 0.2, exercise=True)
    assert asked(practised, Wording("nrm-check-due")) == [], "of the practice of luring that is still asked"


@pytest.mark.parametrize(
    ("before", "concern", "told"),
    [
        ((), True, ["nrm-check-while-missing"]),
        ((), None, []),
        ((), False, []),
        ((REFERRED,), True, []),
        ((FOUND,), False, []),
        ((LURED,), True, []),
    ],
)
def test_a_missing_report_brings_a_check_where_there_is_a_concern_and_nobody_has_referred_or_is_asked_to(
    before: tuple[Message, ...], concern: bool | None, told: list[str]
) -> None:
    child = ByDay(CHILD, FACTS.model_copy(update={"modern_slavery_concern": concern}))
    for word in before:
        child.hears(word)
    assert asked(child.hears(MISSING, 1), Wording("nrm-check-due")) == told


def test_an_answer_ends_no_check_so_nobody_else_is_asked_when_the_child_is_missing() -> None:
    child = ByDay(CHILD, FACTS)
    (check,) = [each for each in child.hears(LURED).duties if each.wording == Wording("nrm-check-due")]
    child.hears(DutyAcknowledged(**SAID, duty=check.duty, step=0, how="text"), 1)
    assert asked(child.hears(MISSING, 2), Wording("nrm-check-due")) == []
    assert child.case.duties[check.duty].goes_on


@pytest.mark.parametrize("word", [LURED, PRESENTED, REFERRED, FOUND])
@pytest.mark.parametrize("allocated", [True, False, None])
def test_a_guardian_is_asked_for_unless_one_is_allocated(word: Message, allocated: bool | None) -> None:
    child = ByDay(CHILD, FACTS.model_copy(update={"guardian_allocated": allocated}))
    assert bool(asked(child.hears(word), Wording("guardian-asked"))) is not allocated


def test_a_guardian_is_asked_for_once_in_90_days_and_not_on_a_conclusion() -> None:
    child = ByDay(CHILD, FACTS)
    assert asked(child.hears(CONCLUDED), Wording("guardian-asked")) == []
    assert asked(child.hears(LURED, 1), Wording("guardian-asked"))
    for word, days in ((REFERRED, 1), (FOUND, 40), (LURED, 90)):
        assert asked(child.hears(word, days * 24), Wording("guardian-asked")) == []
    assert asked(child.hears(LURED, 91 * 24 + 2), Wording("guardian-asked"))


@pytest.mark.parametrize(("scheme_fails", "ends"), [(True, True), (False, False)])
def test_an_advocate_stands_in_for_a_guardian_only_where_the_area_has_no_scheme(scheme_fails: bool, ends: bool) -> None:
    child = ByDay(CHILD, FACTS)
    [request] = [each for each in child.hears(REFERRED).duties if each.wording == Wording("guardian-asked")]
    outcome = {"authority": "northshire", "duty": request.duty, "step": 0}
    failed = DutyFailed.model_validate(outcome | {"reason": "nobody-in-role"})
    child.hears(failed if scheme_fails else DutyAccepted.model_validate(outcome), 0.1)
    child.hears(care_events.AdvocacyExplained(**SAID, accepted=True), 2)
    assert child.case.duties[request.duty].goes_on is not ends
    child.facts = FACTS.model_copy(update={"guardian_allocated": True})
    child.hears(events.ChildRecordChanged(**SAID), 3)
    assert not child.case.duties[request.duty].goes_on
