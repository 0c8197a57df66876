"""Every decision is recorded: what was made of the message, in which episode, about which duty. The evidence pack rests on it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, DutyOfCase, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.rule_language.vocabulary import Condition
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import DutyState, EpisodeState, Verdict
from services.safeguarding.duty.duties import Because, DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Role

CHILD = "child-00000000-0000-4000-8000-000000000001"
ANN = "person-00000000-0000-4000-8000-00000000000a"
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
FACTS = Facts(authority="northshire", force="north-force", guardian_allocated=False)
SAID = {"authority": "northshire"}
ANN_SAYS = {**SAID, "said_by": ANN, "channel": "text"}
PROTOCOLS = Protocols(Library(files()).current("northshire"))

MISSING = events.ChildReportedMissing(**ANN_SAYS)
BACK = events.ChildReturned(**ANN_SAYS, proof=events.Proof.HANDSET)
STRANGER_SAYS_BACK = events.ChildReturned(**SAID, channel="text")
LOCATED = events.ChildLocated(**ANN_SAYS, proof=events.Proof.HANDSET)
NOT_BACK = events.ReportRetracted(**ANN_SAYS, retracts="return", proof=events.Proof.HANDSET)
FALSE_ALARM = events.ReportRetracted(**ANN_SAYS, retracts="missing", proof=events.Proof.HANDSET)
OTHERS_RETRACT = events.ReportRetracted(**SAID, retracts="missing")
STRANGER_RETRACTS = events.ReportRetracted(**SAID, channel="text", retracts="missing")
CHECKED = events.SafeAndWellCheckRecorded(**SAID)
INTERVIEWED = events.ReturnInterviewRecorded(**SAID, state="completed")
CLOSED = events.PoliceClosed(**SAID, force="north-force", reply="r")
OVER = (MISSING, BACK, CHECKED, INTERVIEWED, CLOSED)


class Child:
    """A minute passes before each message, unless the test says when it came about."""

    def __init__(self) -> None:
        self.case = Case(child=CHILD)
        self.minutes = -1

    def hears(self, content: Message, came_about: int | None = None, *, exercise: bool = False) -> Decision:
        self.minutes += 1
        now = START + timedelta(minutes=self.minutes)
        time = now if came_about is None else START + timedelta(minutes=came_about)
        happened = Happened(content, f"message-{self.minutes}", CHILD, time, exercise)
        decision = decide(self.case, happened, FACTS, PROTOCOLS, now)
        self.case = decision.case
        return decision

    def after(self, *history: Message) -> "Child":
        for each in history:
            self.hears(each)
        return self

    @property
    def episode(self) -> UUID | None:
        found = max(self.case.episodes.values(), key=lambda each: each.opened_at, default=None)
        return None if found is None else found.episode

    def duty(self, rule: str) -> DutyOfCase:
        return next(each for each in self.case.duties.values() if each.rule == rule)


ABOUT_EPISODES: list[tuple[str, tuple[Message, ...], Message, int | None, Verdict]] = [
    ("located twice", (MISSING, LOCATED), LOCATED, None, Verdict.ALREADY_SO),
    ("located before the last report", (MISSING, MISSING), LOCATED, 0, Verdict.TOO_OLD),
    ("back twice", (MISSING, BACK), BACK, None, Verdict.ALREADY_SO),
    ("a stranger says back after the return", (MISSING, BACK), STRANGER_SAYS_BACK, None, Verdict.UNVERIFIED),
    ("a stranger says back", (MISSING,), STRANGER_SAYS_BACK, None, Verdict.UNVERIFIED),
    ("back before the last report", (MISSING, MISSING), BACK, 0, Verdict.UNVERIFIED),
    ("not back, of a child who is missing", (MISSING,), NOT_BACK, None, Verdict.ALREADY_SO),
    ("not back, said before the return", (MISSING, BACK), NOT_BACK, 0, Verdict.TOO_OLD),
    ("not back, said before the return of what is over", OVER, NOT_BACK, 0, Verdict.TOO_OLD),
    ("not back, of a false alarm", (MISSING, FALSE_ALARM), NOT_BACK, None, Verdict.UNVERIFIED),
    ("a false alarm of what is over", OVER, FALSE_ALARM, None, Verdict.ALREADY_SO),
    ("a false alarm twice", (MISSING, FALSE_ALARM), FALSE_ALARM, None, Verdict.ALREADY_SO),
    ("a false alarm said before the last report", (MISSING, MISSING), FALSE_ALARM, 0, Verdict.UNVERIFIED),
    ("a stranger's false alarm", (MISSING,), STRANGER_RETRACTS, None, Verdict.UNVERIFIED),
    ("a false alarm by an agency that may not say so", (MISSING,), OTHERS_RETRACT, None, Verdict.UNVERIFIED),
    ("a report older than the return", (MISSING, BACK), MISSING, 0, Verdict.TOO_OLD),
]


@pytest.mark.parametrize(
    ("history", "last", "came_about", "verdict"),
    [each[1:] for each in ABOUT_EPISODES],
    ids=[each[0] for each in ABOUT_EPISODES],
)
def test_what_was_made_of_it_and_in_which_episode(
    history: tuple[Message, ...], last: Message, came_about: int | None, verdict: Verdict
) -> None:
    child = Child().after(*history)
    states = [each.state for each in child.case.episodes.values()]
    first = child.hears(last, came_about).decided[0]
    assert (first.verdict, first.episode) == (verdict, child.episode)
    assert (first.about, first.protocol) == (last.kind, PROTOCOLS.current.label)
    assert [each.state for each in child.case.episodes.values()] == states


def test_that_a_child_is_not_back_after_all_counts_whoever_says_so() -> None:
    child = Child()
    for each in (MISSING, BACK, events.ReportRetracted(**SAID, retracts="return")):
        child.hears(each)
    assert [each.state for each in child.case.episodes.values()] == [EpisodeState.MISSING]


def test_a_child_who_is_not_back_after_its_episode_closed_is_searched_for_in_another() -> None:
    child = Child().after(*OVER)
    told = child.hears(NOT_BACK)
    assert [each.state for each in child.case.episodes.values()] == [EpisodeState.CLOSED, EpisodeState.MISSING]
    assert {"tell-police-missing", "tell-duty-worker-missing"} <= {each.rule for each in told.duties}
    _, opened = child.case.episodes.values()
    assert {each.episode for each in told.duties if each.rule == "tell-police-missing"} == {opened.episode}
    assert [each.person for each in opened.reports] == [ANN]
    again = child.hears(NOT_BACK)
    assert (again.duties, len(child.case.episodes)) == ([], 2)
    child.hears(BACK)
    assert [each.state for each in child.case.episodes.values()] == [EpisodeState.CLOSED, EpisodeState.RETURNED]


UNVERIFIED_IS_READ_BY_A_PERSON = [
    ((MISSING,), STRANGER_RETRACTS, None, "verify-retraction"),
    ((MISSING,), OTHERS_RETRACT, None, "verify-retraction"),
    ((MISSING, MISSING), FALSE_ALARM, 0, "verify-retraction"),
    ((MISSING, FALSE_ALARM), NOT_BACK, None, "verify-retraction"),
    ((MISSING,), STRANGER_SAYS_BACK, None, "verify-return"),
]


@pytest.mark.parametrize(("history", "last", "came_about", "rule"), UNVERIFIED_IS_READ_BY_A_PERSON)
def test_what_nobody_may_say_so_is_read_by_a_person_and_belongs_to_the_episode(
    history: tuple[Message, ...], last: Message, came_about: int | None, rule: str
) -> None:
    child = Child().after(*history)
    told = [each for each in child.hears(last, came_about).duties if each.rule == rule]
    assert [(each.role, each.episode) for each in told] == [(Role.DUTY_WORKER, child.episode)]


def test_words_of_the_very_moment_of_the_last_report_are_not_older_than_it() -> None:
    for last, state in ((BACK, EpisodeState.RETURNED), (FALSE_ALARM, EpisodeState.RETRACTED)):
        child = Child().after(MISSING)
        child.hears(last, 0)
        assert [each.state for each in child.case.episodes.values()] == [state]


def test_a_mistaken_return_opens_the_same_episode_again_and_forgets_when_it_was_ended() -> None:
    child = Child().after(MISSING, BACK, NOT_BACK)
    (episode,) = child.case.episodes.values()
    assert (episode.state, episode.returned_at) == (EpisodeState.MISSING, None)


REFERENCE = events.PoliceReferenceGiven(
    **SAID, force="north-force", reply="r", reference_kind=events.ReferenceKind.INCIDENT
)
TEXTED = events.PoliceReferenceTexted(**ANN_SAYS)


@pytest.mark.parametrize("reference", [REFERENCE, TEXTED])
def test_a_reference_is_known_of_the_episode_and_ends_what_was_waiting_for_it(reference: Message) -> None:
    child = Child().after(MISSING)
    waiting = {each.rule for each in child.case.waiting.values() if each.stood_down is None}
    assert {"ask-carer-for-reference", "ask-duty-worker-for-reference"} <= waiting
    child.hears(reference)
    (episode,) = child.case.episodes.values()
    still = {each.rule for each in child.case.waiting.values() if each.stood_down is None}
    assert episode.reference_known
    assert not still & {"ask-carer-for-reference", "ask-duty-worker-for-reference"}


def test_a_reply_that_names_an_earlier_episode_is_of_that_one() -> None:
    child = Child().after(MISSING, BACK)
    earlier = child.episode
    child.hears(MISSING)
    child.hears(REFERENCE.model_copy(update={"episode": earlier}))
    known = {each.episode: each.reference_known for each in child.case.episodes.values()}
    assert known == {earlier: True, child.episode: False}
    child.hears(CLOSED.model_copy(update={"episode": earlier}))
    met = {each.episode: set(each.met) for each in child.case.episodes.values()}
    assert met == {earlier: {Condition.POLICE_CLOSED}, child.episode: set()}


def test_words_about_a_missing_child_belong_to_the_open_episode() -> None:
    child = Child().after(MISSING)
    decided = child.hears(events.ChildLuringSuspected(**ANN_SAYS)).decided
    assert {each.episode for each in decided} == {child.episode}


def test_an_offered_interview_ends_the_waiting_for_an_offer_and_a_declined_one_both() -> None:
    def waits(child: Child) -> set[str]:
        return {each.rule for each in child.case.waiting.values() if each.stood_down is None}

    child = Child().after(MISSING, BACK)
    assert {"return-interview-not-offered", "return-interview-overdue"} <= waits(child)
    child.hears(events.ReturnInterviewRecorded(**SAID, state="offered"))
    assert "return-interview-not-offered" not in waits(child)
    assert "return-interview-overdue" in waits(child)
    child.hears(events.ReturnInterviewRecorded(**SAID, state="declined"))
    assert "return-interview-overdue" not in waits(child)


def outcome(kind: type[Any], duty: DutyOfCase, step: int = 0, **about: Any) -> Message:
    found: Message = kind(duty=duty.duty, step=step, authority="northshire", episode=duty.episode, **about)
    return found


def test_each_answer_is_recorded_with_its_duty_and_episode_and_said_again_it_changes_nothing() -> None:
    child = Child().after(MISSING)
    worker = child.duty("tell-duty-worker-missing")
    for content in (
        outcome(DutyAccepted, worker),
        outcome(DutyDelivered, worker),
        outcome(DutyFailed, worker, reason="undeliverable"),
        outcome(DutyAcknowledged, worker, how="text"),
    ):
        first = child.hears(content).decided[0]
        assert (first.verdict, first.episode, first.duty) == (Verdict.CHANGED, child.episode, worker.duty)
        before = child.case
        again = child.hears(content)
        assert [(each.verdict, each.episode, each.duty) for each in again.decided] == [
            (Verdict.ALREADY_SO, child.episode, worker.duty)
        ]
        assert (again.duties, again.changes, child.case) == ([], [], before)


def test_a_lesser_answer_that_comes_late_is_recorded_and_changes_nothing() -> None:
    child = Child().after(MISSING)
    worker = child.duty("tell-duty-worker-missing")
    child.hears(outcome(DutyAcknowledged, worker, how="text"))
    for content in (outcome(DutyAccepted, worker), outcome(DutyFailed, worker, reason="retries-spent")):
        assert [each.verdict for each in child.hears(content).decided] == [Verdict.ALREADY_SO]
    assert child.duty("tell-duty-worker-missing").state == DutyState.ACKNOWLEDGED


def test_a_first_telling_that_was_taken_and_then_fails_is_not_taken_any_more() -> None:
    child = Child().after(MISSING)
    police = child.duty("tell-police-missing")
    child.hears(outcome(DutyAccepted, police))
    assert child.duty("tell-police-missing").state == DutyState.ACCEPTED
    failed = child.hears(outcome(DutyFailed, police, reason="refused"))
    duty = child.duty("tell-police-missing")
    assert (duty.accepted, duty.state, duty.goes_on) == (False, DutyState.OPEN, True)
    assert (Role.DUTY_WORKER, Because.FAILED) in {(each.role, each.because) for each in failed.duties}


def test_a_repetition_that_fails_leaves_the_first_one_taken() -> None:
    child = Child().after(MISSING)
    police = child.duty("tell-police-missing")
    accepted = child.hears(outcome(DutyAccepted, police))
    due = next(each for each in accepted.deadlines if each.deadline == police.duty)
    child.minutes = 4
    child.hears(due.content)
    child.hears(outcome(DutyFailed, police, step=1, reason="retries-spent"))
    duty = child.duty("tell-police-missing")
    assert (duty.accepted, duty.state) == (True, DutyState.ACCEPTED)


def test_the_failure_of_an_earlier_telling_tells_nobody_further() -> None:
    child = Child().after(MISSING)
    worker = child.duty("tell-duty-worker-missing")
    child.hears(outcome(DutyFailed, worker, reason="nobody-in-role"))
    assert child.duty("tell-duty-worker-missing").told == 2
    before = child.duty("tell-duty-worker-missing")
    late = child.hears(outcome(DutyFailed, worker, step=0, reason="retries-spent"))
    assert late.duties == []
    assert child.duty("tell-duty-worker-missing") == before


def test_the_failure_of_a_withdrawn_telling_tells_nobody_further() -> None:
    child = Child().after(MISSING, BACK)
    worker = child.duty("tell-duty-worker-missing")
    assert worker.tellings[0].state == "withdrawn"
    assert child.hears(outcome(DutyFailed, worker, reason="retries-spent")).duties == []
    assert child.duty("tell-duty-worker-missing").state == DutyState.CANCELLED


def test_a_duty_that_only_informs_and_has_done_so_is_reopened_by_a_failure_of_what_was_taken() -> None:
    child = Child().after(MISSING)
    police = child.duty("tell-police-missing")
    child.hears(outcome(DutyAccepted, police))
    carer = child.duty("tell-carer-police-told")
    child.hears(outcome(DutyAccepted, carer))
    assert (child.duty("tell-carer-police-told").ended_because, carer.state) == ("accepted-is-enough", DutyState.OPEN)
    told = child.hears(outcome(DutyFailed, carer, reason="undeliverable")).duties
    duty = child.duty("tell-carer-police-told")
    assert [(each.role, each.because) for each in told] == [(Role.DUTY_WORKER, Because.FAILED)]
    assert (duty.state, duty.ended_because) == (DutyState.OPEN, None)


def test_what_a_return_ends_is_recorded_with_rule_duty_and_episode() -> None:
    child = Child().after(MISSING)
    ended = [each for each in child.hears(BACK).decided if each.verdict == Verdict.ENDED]
    duties = child.case.duties
    assert "tell-police-missing" in {each.rule for each in ended}
    for each in ended:
        assert each.duty is not None
        assert (duties[each.duty].rule, duties[each.duty].episode) == (each.rule, each.episode)
        assert each.episode == child.episode


def test_after_a_mistaken_return_only_those_who_had_not_answered_are_asked_afresh() -> None:
    child = Child().after(MISSING)
    child.hears(outcome(DutyAcknowledged, child.duty("tell-duty-worker-missing"), how="text"))
    child.hears(outcome(DutyAccepted, child.duty("tell-police-missing")))
    child.after(BACK)
    again = child.hears(NOT_BACK)
    afresh = {each.rule for each in again.duties if each.because == Because.AGAIN}
    assert "tell-duty-worker-missing" not in afresh
    assert "tell-police-missing" not in afresh, "the force has it: it is asked again at its step"
    police = child.duty("tell-police-missing")
    assert (police.state, police.ended_because, police.passed) == (DutyState.ACCEPTED, None, 0)
    assert police.counted_from == START + timedelta(minutes=child.minutes)
    assert police.next_at == police.counted_from + timedelta(minutes=15)
    assert child.duty("tell-duty-worker-missing").state == DutyState.ACKNOWLEDGED


def test_a_notice_called_back_because_somebody_else_answered_is_sent_again_when_the_return_was_a_mistake() -> None:
    child = Child().after(MISSING)
    police = child.duty("tell-police-missing")
    assert [each.role for each in child.hears(_step_due(child, police)).duties] == [Role.DUTY_WORKER]
    child.hears(outcome(DutyAcknowledged, police, step=1, how="text"))
    child.after(BACK)
    assert child.duty("tell-police-missing").tellings[0].state == "withdrawn"
    again = {(each.rule, each.role, each.because) for each in child.hears(NOT_BACK).duties if each.act == "tell"}
    assert ("tell-police-missing", Role.POLICE_CONTROL_ROOM, Because.AGAIN) in again


def _step_due(child: Child, duty: DutyOfCase) -> Message:
    return events.DutyStepDue(
        **SAID, deadline=duty.duty, version=duty.deadline_version, duty=duty.duty, step=child.duty(duty.rule).told
    )


REFUSED = events.AsylumDecisionRecorded(**SAID, outcome=events.AsylumOutcome.REFUSED)


def test_a_review_that_lets_the_watch_go_on_starts_it_again_and_is_due_again() -> None:
    child = Child().after(REFUSED)
    opened = child.case.watched_since
    first = {each.deadline for each in child.case.waiting.values() if each.rule == "watch-is-reviewed"}
    child.hears(events.WatchReviewed(**SAID, goes_on=True))
    assert opened is not None
    assert child.case.watched_since == opened + timedelta(minutes=1)
    open_now = [
        each for each in child.case.waiting.values() if each.rule == "watch-is-reviewed" and each.stood_down is None
    ]
    assert len(open_now) == 1
    assert open_now[0].deadline not in first


@pytest.mark.parametrize(
    ("content", "watched"),
    [
        (events.AppealDecided(**SAID, result="dismissed"), True),
        (events.AppealDecided(**SAID, result="allowed"), False),
        (events.NrmDecisionRecorded(**SAID, stage="conclusive-grounds", positive=False), True),
        (events.NrmDecisionRecorded(**SAID, stage="conclusive-grounds", positive=True), False),
        (care_events.LeaveApplicationEnded(**SAID, result="refused"), True),
        (care_events.LeaveApplicationEnded(**SAID, result="withdrawn"), False),
        (care_events.LeaveApplicationEnded(**SAID, result="granted"), False),
    ],
)
def test_only_a_negative_decision_opens_a_watch(content: Message, watched: bool) -> None:
    child = Child()
    child.hears(content)
    assert (child.case.watched_since is not None) == watched
    assert ("social-worker-plans-the-talk" in {each.rule for each in child.case.waiting.values()}) == watched


def test_a_granted_application_is_recorded_and_sets_nothing_off() -> None:
    decision = Child().hears(care_events.LeaveApplicationEnded(**SAID, result="granted"))
    assert [each.verdict for each in decision.decided] == [Verdict.CHANGED]
    assert decision.duties == []


def test_a_state_is_copied_as_pydantic_copies_it_and_the_first_stays_as_it_was() -> None:
    duty = Child().after(MISSING).duty("tell-police-missing")
    mine, pydantics = (copy(duty, update={"revision": 9}) for copy in (DutyOfCase.model_copy, BaseModel.model_copy))
    assert mine == pydantics
    assert mine.model_dump_json() == pydantics.model_dump_json()
    assert duty.revision == 1
    assert duty.model_copy(deep=True) == duty
