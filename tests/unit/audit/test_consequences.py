"""What must follow what, held against the engine itself: every story is played, and nothing in it is a gap."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.audit.policy.consequences import Gap, Thread, duty_rows, gap_of, thread_of
from services.protocol import simulate
from services.protocol.loader import Library, files
from services.protocol.policy import decide as decide_module
from services.protocol.policy.draft import Decision, Happened
from services.protocol.simulate import read_story
from services.safeguarding.child_events.events import ChildReportedMissing, PoliceClosed
from services.safeguarding.duty.decisions import (
    AttemptResult,
    DeliveriesAttempted,
    DeliveryAttempted,
    MessageDeadLettered,
    MessageDecided,
    ProtocolDecided,
    Verdict,
)
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyOutcomes
from tests.support.in_process.console import REPORTED_AT, duty_changed

STORIES = sorted((Path(__file__).parents[2] / "scenarios").rglob("*.yaml"))
Turn = tuple[Happened, Decision]


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(files())


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[Turn]:
    """Each message that the engine decided upon, and what it decided."""
    taken: list[Turn] = []
    decide = decide_module.decide

    def noted(case: Any, happened: Happened, *rest: Any) -> Decision:
        decision = decide(case, happened, *rest)
        taken.append((happened, decision))
        return decision

    monkeypatch.setattr(simulate, "decide", noted)
    return taken


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_in_a_story_whatever_must_be_decided_upon_is_and_whoever_must_be_told_is(
    path: Path, turns: list[Turn], library: Library
) -> None:
    simulate.tell(read_story(path), library)
    assert turns
    for happened, decision in turns:
        expected = set(thread_of(happened.content, happened.id).expects)
        decided = MessageDecided(
            authority="kestrel", about=happened.content.kind, about_id=happened.id, verdicts=tuple(decision.decided)
        )
        thread = thread_of(decided, "x")
        assert bool(decision.decided) >= bool(expected)
        assert expected <= set(thread.answers)
        told = {each for duty in decision.duties for each in thread_of(duty, "").answers}
        assert set(thread.expects) <= told


def attempted(duty: UUID) -> DeliveryAttempted:
    return DeliveryAttempted(
        authority="kestrel", delivery=uuid4(), duty=duty, step=1, attempt=1, medium="text",
        result=AttemptResult.RETRY, took_ms=3, body_hash="00",
    )  # fmt: skip


def test_a_telling_is_answered_by_an_attempt_or_by_its_outcome() -> None:
    duty = uuid4()
    attempt = attempted(duty)
    assert thread_of(attempt, "x") == Thread(answers=(f"tried {duty} 1",))
    assert thread_of(attempt.model_copy(update={"duty": None}), "x") == Thread()
    taken = DutyAccepted(duty=duty, step=1, authority="kestrel")
    assert thread_of(taken, "x") == Thread(expects=("decided x",), answers=(f"tried {duty} 1",))


def test_a_message_that_became_a_dead_letter_is_a_dead_letter_and_no_gap_besides() -> None:
    letter = MessageDeadLettered(
        service="protocol", origin="child-events/1/2", reason="-", original_id="x", original=None
    )
    assert thread_of(ChildReportedMissing(authority="kestrel"), "x").expects == thread_of(letter, "y").answers


def test_what_the_rules_may_be_silent_about_expects_no_decision() -> None:
    assert thread_of(PoliceClosed(authority="kestrel", force="x", reply="1"), "x") == Thread()


def test_a_gap_is_named_for_what_did_not_happen() -> None:
    assert gap_of("decided x", DutyAccepted.kind) is Gap.OUTCOME_NOT_TAKEN
    assert gap_of("decided x", ChildReportedMissing.kind) is Gap.EVENT_UNDECIDED
    assert gap_of("told x", "protocol.decided.v1") is Gap.DUTY_NEVER_TOLD
    assert gap_of("tried x 0", "police.notify.v1") is Gap.TELLING_NOT_TRIED


def test_a_duty_that_is_over_waits_for_no_step() -> None:
    going, over = duty_rows(
        MessageDecided(
            authority="kestrel",
            about="-",
            about_id="x",
            duties=(
                duty_changed(None, next_step_at=REPORTED_AT),
                duty_changed(None, state="acknowledged", next_step_at=REPORTED_AT),
            ),
        )
    )
    assert (going["goes_on"], going["next_step_at"]) == (True, REPORTED_AT)
    assert (over["goes_on"], over["next_step_at"]) == (False, None)


def test_what_travels_together_expects_and_answers_what_each_would_alone() -> None:
    one, other = uuid4(), uuid4()
    outcomes = DutyOutcomes(
        authority="kestrel",
        attempts=(attempted(other),),
        accepted=(
            DutyAccepted(duty=one, step=0, authority="kestrel"),
            DutyAccepted(duty=other, step=2, authority="kestrel"),
        ),
        delivered=(DutyDelivered(duty=one, step=0, authority="kestrel"),),
    )
    assert thread_of(outcomes, "x") == Thread(
        ("decided x",), (f"tried {other} 1", f"tried {one} 0", f"tried {other} 2")
    )
    assert gap_of("decided x", outcomes.kind) is Gap.OUTCOME_NOT_TAKEN
    attempts = tuple(attempted(each) for each in (one, other))
    attempts_thread = thread_of(DeliveriesAttempted(authority="kestrel", attempts=attempts), "x")
    assert attempts_thread == Thread(answers=(f"tried {one} 1", f"tried {other} 1"))
    verdicts = tuple(
        ProtocolDecided(
            authority="kestrel", about=DutyAccepted.kind, about_id="part", verdict=verdict, protocol="p", duty=duty
        )
        for verdict, duty in ((Verdict.TOLD, one), (Verdict.CHANGED, one), (Verdict.TOLD, other))
    )
    decided = MessageDecided(authority="kestrel", about=outcomes.kind, about_id="x", verdicts=verdicts)
    assert thread_of(decided, "y") == Thread((f"told {one}", f"told {other}"), ("decided x",))
    with_others = decided.model_copy(update={"with_ids": ("z",)})
    assert thread_of(with_others, "y").answers == ("decided x", "decided z")


def test_outcomes_of_which_there_are_none_wait_for_no_decision() -> None:
    assert thread_of(DutyOutcomes(authority="kestrel"), "x") == Thread()
