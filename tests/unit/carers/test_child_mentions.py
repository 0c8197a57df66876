"""Which child? The report that began without a name goes on under the child's: police are not told of two."""

from dataclasses import replace

import pytest

from services.carers.policy.answer import Answer
from services.carers.policy.context import Provisional, Question
from services.carers.policy.decision import Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildInformationReceived, ChildReportedMissing, TextNeedsHuman
from services.safeguarding.message import Message
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


@pytest.mark.parametrize("text", ["C22", "22", "it is C22", "Linh", "C22 diolch"])
@pytest.mark.parametrize(
    ("state", "answer", "kind"),
    [
        (None, Answer.ACKNOWLEDGED, TextNeedsHuman),
        ("returned", Answer.ACKNOWLEDGED, TextNeedsHuman),
        ("missing", Answer.INFORMATION, ChildInformationReceived),
    ],
)
def test_news_is_added_to_a_report_only_where_one_is_open(
    text: str, state: str | None, answer: Answer, kind: type[Message]
) -> None:
    given = (("C22", state),) if state else ()
    scene = scene_of(Case("home", given, "", frozenset(), human=False))
    decision = decide(understand(text), replace(scene, question=Question("information", SOMEBODY)))
    assert [(act.subject, type(act.content)) for act in decision.acts] == [(child_id("C22"), kind)]
    assert (decision.answer, decision.answered) == (answer, True)
