"""Which child? The report that began without a name goes on under the child's: police are not told of two."""

from dataclasses import replace

from services.carers.policy.answer import Answer
from services.carers.policy.decision import decide
from services.carers.policy.scene import Decision, Provisional, Question
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildReportedMissing
from tests.unit.carers.corpus import SOMEBODY, Case, child_id, scene_of

ASKED = replace(
    scene_of(Case("home", (), "", frozenset(), human=False)),
    question=Question("report", SOMEBODY),
    provisionals=(Provisional(SOMEBODY),),
)


def made(text: str) -> Decision:
    return decide(understand(text), ASKED)


def test_the_answer_says_who_the_unnamed_child_is_and_reports_nobody_anew() -> None:
    decision = made("C22")
    identified = [(act.subject, act.content.child) for act in decision.acts if isinstance(act.content, ChildIdentified)]
    assert identified == [(SOMEBODY, child_id("C22"))]
    assert not any(isinstance(act.content, ChildReportedMissing) for act in decision.acts)
    assert (decision.answer, decision.answered) == (Answer.MISSING_NAMED, True)
    assert decision.identified == ((SOMEBODY, child_id("C22")),)


def test_of_two_that_are_named_the_second_is_a_report_of_its_own() -> None:
    decision = made("C22 and C23")
    identified = [act.content.child for act in decision.acts if isinstance(act.content, ChildIdentified)]
    reported = [act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing)]
    assert (identified, reported) == ([child_id("C22")], [child_id("C23")])


def test_an_answer_that_names_no_child_leaves_the_question_open() -> None:
    assert not made("sorry I am driving").answered
