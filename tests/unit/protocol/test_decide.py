"""Single decisions that a story would not show: what is said about them, and what must not happen twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.protocol.policy.duties.tellings import message_of
from services.safeguarding.child_events import care_events, events
from services.safeguarding.child_events.events import DutyStepDue, RuleDue
from services.safeguarding.duty.decisions import DutyChanged, DutyState, MessageDeadLettered, Verdict
from services.safeguarding.duty.duties import Because, Duty, DutyAccepted, DutyAcknowledged, DutyFailed
from services.safeguarding.message import Message
from services.safeguarding.roles import Role, Wording

CHILD = "child-00000000-0000-4000-8000-000000000001"
ANN = "person-00000000-0000-4000-8000-00000000000a"
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
FACTS = Facts(authority="northshire", force="north-force", unaccompanied=True)
MISSING = events.ChildReportedMissing(authority="northshire", said_by=ANN, channel="text")


class Child:
    """One child's history, one message after another."""

    def __init__(self, facts: Facts = FACTS) -> None:
        self.case = Case(child=CHILD)
        self.facts = facts
        self.protocols = Protocols(Library(files()).current("northshire"))
        self.count = 0

    def hears(self, content: Message, after: timedelta = timedelta(), **about: Any) -> Decision:
        self.count += 1
        happened = Happened(content, about.pop("id", f"message-{self.count}"), CHILD, START + after, **about)
        decision = decide(self.case, happened, self.facts, self.protocols, START + after)
        self.case = decision.case
        return decision


@pytest.fixture
def child() -> Child:
    return Child()


def police_duty(decision: Decision) -> Any:
    return next(duty for duty in decision.duties if duty.role == Role.POLICE_CONTROL_ROOM)


def about(duty: Any) -> dict[str, Any]:
    return {"duty": duty.duty, "step": duty.step, "authority": "northshire", "episode": duty.episode}


def test_a_decision_leaves_the_case_it_was_given_as_it_was(child: Child) -> None:
    before = child.case
    kept = before.model_dump_json()
    child.hears(MISSING)
    assert before.model_dump_json() == kept


def test_the_case_survives_being_written_and_read(child: Child) -> None:
    police = police_duty(child.hears(MISSING))
    child.hears(DutyAccepted(**about(police)), timedelta(seconds=2))
    assert Case.model_validate_json(child.case.model_dump_json(exclude_defaults=True)) == child.case


def test_a_deadline_that_the_case_has_outgrown_is_ignored(child: Child) -> None:
    decision = child.hears(MISSING)
    police = police_duty(decision)
    due = next(each.content for each in decision.deadlines if getattr(each.content, "duty", None) == police.duty)
    child.hears(DutyAcknowledged(**about(police), how="force"), timedelta(seconds=30))
    late = child.hears(due, timedelta(minutes=1))
    assert late.duties == []
    assert [each.verdict for each in late.decided] == [Verdict.OUTGROWN]


def test_an_acknowledgement_cancels_the_duty_s_deadline(child: Child) -> None:
    decision = child.hears(MISSING)
    police = police_duty(decision)
    due = next(each for each in decision.deadlines if getattr(each.content, "duty", None) == police.duty)
    assert due.deadline in child.hears(DutyAcknowledged(**about(police), how="force")).cancelled


def test_an_outcome_of_a_duty_nobody_knows_changes_nothing(child: Child) -> None:
    decision = child.hears(DutyAccepted(duty=uuid4(), step=0, authority="northshire"))
    assert (decision.duties, decision.changes) == ([], [])


def test_each_decision_about_a_duty_raises_its_revision(child: Child) -> None:
    police = police_duty(child.hears(MISSING))
    accepted = child.hears(DutyAccepted(**about(police)))
    acknowledged = child.hears(DutyAcknowledged(**about(police), how="force"))
    revisions = [
        change.revision
        for decision in (accepted, acknowledged)
        for change in decision.changes
        if isinstance(change, DutyChanged) and change.duty == police.duty
    ]
    assert revisions == [2, 3]


def test_the_withdrawal_of_a_telling_is_newer_than_the_telling(child: Child) -> None:
    told = police_duty(child.hears(MISSING))
    returned = events.ChildReturned(authority="northshire", said_by=ANN, channel="text", proof=events.Proof.HANDSET)
    withdrawn = police_duty(child.hears(returned, timedelta(minutes=1)))
    assert (withdrawn.act, withdrawn.because, withdrawn.step) == ("withdraw", Because.RETURNED, told.step)
    assert withdrawn.revision > told.revision


def test_an_update_to_police_refers_to_the_notice_they_know(child: Child) -> None:
    notice = police_duty(child.hears(MISSING))
    child.hears(DutyAccepted(**about(notice)))
    words = events.ChildInformationReceived(authority="northshire", nature="sighting")
    update = police_duty(child.hears(words, timedelta(minutes=9)))
    assert update.refers_to == notice.telling


def police_asked_again(child: Child, notice: Duty) -> Duty:
    """At 45 minutes, after the duty worker and the manager."""
    decision = child.hears(DutyAccepted(**about(notice)), timedelta(seconds=2))
    for minutes in (15, 30, 45):
        due = next(each for each in decision.deadlines if getattr(each.content, "duty", None) == notice.duty)
        assert due.due_at == START + timedelta(minutes=minutes)
        decision = child.hears(due.content, timedelta(minutes=minutes))
    return cast("Duty", police_duty(decision))


def test_when_the_child_was_last_seen_goes_with_every_telling_of_the_report(child: Child) -> None:
    seen = START - timedelta(hours=3)
    first = child.hears(MISSING.model_copy(update={"last_seen_at": seen}))
    notice = police_duty(first)
    assert {duty.last_seen_at for duty in first.duties} == {seen}
    assert police_asked_again(child, notice).last_seen_at == seen


def test_a_second_asking_of_police_refers_to_the_first(child: Child) -> None:
    first = child.hears(MISSING)
    notice = police_duty(first)
    again = police_asked_again(child, notice)
    assert (again.because, again.refers_to) == (Because.AGAIN, notice.telling)


def test_a_dead_lettered_telling_has_failed_and_is_told_again_at_once(child: Child) -> None:
    worker = next(duty for duty in child.hears(MISSING).duties if duty.role == Role.DUTY_WORKER)
    letter = MessageDeadLettered(
        service="professionals",
        origin="duties/0/1",
        reason="KeyError at x.py:1",
        original_kind="professional.notify.v1",
        original_id=str(message_of(worker.duty, worker.step, "tell")),
        original="",
    )
    told = child.hears(letter).duties
    assert [(duty.role, duty.because) for duty in told] == [(Role.DUTY_WORKER, Because.AGAIN)]


@pytest.mark.parametrize("kind", ["duty.changed.v1", "message.dead-lettered.v1"])
def test_a_dead_lettered_record_makes_no_duty_so_that_dead_letters_cannot_breed(child: Child, kind: str) -> None:
    letter = MessageDeadLettered(service="console", origin="decisions/0/1", reason="x", original_kind=kind, original="")
    assert child.hears(letter).duties == []


@pytest.mark.parametrize("kind", ["child.reported-missing.v1", None])
def test_a_dead_lettered_event_is_read_by_a_person(child: Child, kind: str | None) -> None:
    letter = MessageDeadLettered(
        service="protocol", origin="child-events/0/1", reason="x", original_kind=kind, original=""
    )
    assert [duty.role for duty in child.hears(letter).duties] == [Role.DUTY_WORKER]


def test_an_exercise_that_no_endpoint_takes_ends_quietly(child: Child) -> None:
    police = police_duty(child.hears(MISSING, exercise=True))
    failed = child.hears(DutyFailed(**about(police), reason="exercise"), exercise=True)
    change = next(change for change in failed.changes if isinstance(change, DutyChanged))
    assert (failed.duties, change.state) == ([], DutyState.CANCELLED)


def test_a_child_of_whom_nothing_is_known_is_reported_all_the_same() -> None:
    told = Child(Facts(authority="northshire")).hears(MISSING).duties
    assert {Role.POLICE_CONTROL_ROOM, Role.DUTY_WORKER} <= {duty.role for duty in told}


def test_a_step_that_is_due_twice_is_told_once(child: Child) -> None:
    decision = child.hears(MISSING)
    due = next(each.content for each in decision.deadlines if isinstance(each.content, DutyStepDue))
    assert len(child.hears(due, timedelta(minutes=1)).duties) == 1
    assert child.hears(due, timedelta(minutes=1)).duties == []


def test_raised_risk_is_told_in_the_first_72_hours_of_care_only() -> None:
    entered = {"entered_care_at": START - timedelta(hours=71)}
    assert police_duty(Child(FACTS.model_copy(update=entered)).hears(MISSING)).raised_risk
    entered = {"entered_care_at": START - timedelta(hours=72)}
    assert not police_duty(Child(FACTS.model_copy(update=entered)).hears(MISSING)).raised_risk


@pytest.mark.parametrize(("hours", "raised"), [(71, True), (72, False)])
def test_a_move_begins_the_72_hours_of_raised_risk_anew(hours: int, raised: bool) -> None:
    child = Child(FACTS.model_copy(update={"entered_care_at": START - timedelta(days=300)}))
    child.hears(care_events.PlacementChanged(authority="northshire"))
    assert police_duty(child.hears(MISSING, timedelta(hours=hours))).raised_risk is raised


READ_TEXT = events.TextNeedsHuman(authority="northshire", reason="not-understood")
ENQUIRY = events.LocationEnquiryReceived(authority="northshire")


def unanswered(child: Child, repetitions: int, event: Message = READ_TEXT) -> Any:
    """A text that nobody answers: its duty, after so many times of asking again."""
    decision = child.hears(event)
    first = decision.duties[0]
    after = timedelta()
    for _ in range(repetitions):
        due = next(each for each in decision.deadlines if isinstance(each.content, DutyStepDue))
        after = due.due_at - START
        decision = child.hears(due.content, after)
    return first, child.case.duties[first.duty]


@pytest.mark.parametrize(
    ("reason", "wording"),
    [
        ("in-danger", "danger-texted"),
        ("still-unclear", "carer-unclear"),
        ("replies-spent", "ring-carer"),
        ("not-understood", "needs-human"),
    ],
)
def test_whoever_reads_a_text_is_told_at_once_why_it_is_theirs(child: Child, reason: Any, wording: str) -> None:
    """Also the manager, where the duty worker does not answer."""
    first = child.hears(events.TextNeedsHuman(authority="northshire", reason=reason))
    due = next(each for each in first.deadlines if isinstance(each.content, DutyStepDue))
    second = child.hears(due.content, due.due_at - START)
    said = [(each.role, each.wording, each.unanswered) for each in (*first.duties, *second.duties)]
    assert said == [
        (Role.DUTY_WORKER, Wording(wording), None),
        (Role.DUTY_SENIOR_MANAGER, Wording("not-acknowledged"), Wording(wording)),
    ]


def test_a_duty_asked_again_for_weeks_does_not_fill_the_case(child: Child) -> None:
    _, duty = unanswered(child, 500)
    assert (duty.told, duty.state) == (501, DutyState.OVERDUE)
    assert len(duty.tellings) == 16
    assert [each.step for each in duty.tellings][-1] == 500


def test_an_answer_to_an_old_text_ends_the_duty_like_one_to_the_newest(child: Child) -> None:
    first, _ = unanswered(child, 100, ENQUIRY)
    answered = DutyAcknowledged(duty=first.duty, step=42, authority="northshire", how="text")
    decision = child.hears(answered, timedelta(days=3))
    assert child.case.duties[first.duty].state == DutyState.ACKNOWLEDGED
    assert first.duty in decision.cancelled


@pytest.mark.parametrize("step", [3, 42])
def test_an_answer_to_a_telling_that_never_was_changes_nothing(child: Child, step: int) -> None:
    first, _ = unanswered(child, 2)
    child.hears(DutyAcknowledged(duty=first.duty, step=step, authority="northshire", how="text"), timedelta(days=3))
    assert child.case.duties[first.duty].state == DutyState.OPEN


REFUSED = events.AsylumDecisionRecorded(authority="northshire", outcome=events.AsylumOutcome.REFUSED)


def test_inside_a_watch_police_are_told_of_raised_risk_and_the_cause_stays_out_of_the_duty(child: Child) -> None:
    child.hears(REFUSED)
    notice = police_duty(child.hears(MISSING, timedelta(days=2)))
    assert notice.raised_risk
    assert "asylum" not in notice.model_dump_json()


def test_a_watch_ends_by_a_person_s_review_and_not_by_its_days(child: Child) -> None:
    child.hears(REFUSED)
    assert police_duty(child.hears(MISSING, timedelta(days=90))).raised_risk
    child.hears(events.WatchReviewed(authority="northshire", goes_on=False), timedelta(days=91))
    words = events.ChildInformationReceived(authority="northshire")
    assert not police_duty(child.hears(words, timedelta(days=92))).raised_risk


def test_a_review_older_than_the_newest_decision_ends_nothing(child: Child) -> None:
    child.hears(REFUSED, timedelta(days=5))
    review = Happened(events.WatchReviewed(authority="northshire", goes_on=False), "late", CHILD, START)
    decision = decide(child.case, review, child.facts, child.protocols, START + timedelta(days=6))
    assert decision.case.watched_since == START + timedelta(days=5)


def test_an_exercise_opens_no_watch_and_moves_no_date(child: Child) -> None:
    child.hears(REFUSED, exercise=True)
    child.hears(care_events.LeaveGranted(authority="northshire", expires_on=date(2027, 5, 1)), exercise=True)
    assert (child.case.watched_since, child.case.leave_expires_on) == (None, None)


def test_a_corrected_birth_date_moves_the_prompts_and_not_the_leave() -> None:
    child = Child(FACTS.model_copy(update={"adult_on": date(2027, 3, 1), "age_disputed": False}))
    leave = child.hears(care_events.LeaveGranted(authority="northshire", expires_on=date(2027, 9, 1)))
    first = child.hears(events.ChildRecordChanged(authority="northshire"))
    child.facts = child.facts.model_copy(update={"adult_on": date(2027, 4, 1)})
    second = child.hears(events.ChildRecordChanged(authority="northshire"), timedelta(hours=1))
    moved = {each.deadline: each for each in second.deadlines}
    dated = [
        each
        for each in first.deadlines
        if isinstance(each.content, RuleDue) and each.content.rule in {"approaching-18", "turned-18"}
    ]
    assert dated
    assert all(moved[each.deadline].version == each.version + 1 for each in dated)
    assert not {each.deadline for each in leave.deadlines} & set(moved)
    assert child.hears(events.ChildRecordChanged(authority="northshire"), timedelta(hours=2)).deadlines == []
