"""A carer joins and practises. What is practice, and above all what is never taken for it."""

from dataclasses import replace

import pytest

from services.carers.policy.context import Enrolment, OpenClaim, Standing, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import ChildReportedMissing, ReportRetracted, TextNeedsHuman
from tests.unit.carers.corpus import Case, child_id, scene_of

AMARA = child_id("C17")
ONE = scene_of(Case("one", (), "", frozenset(), human=False))
TWO = scene_of(Case("two", (), "", frozenset(), human=False))
PRACTISING = replace(ONE, enrolment=Enrolment(joined=True, practising=AMARA))


def made(text: str, context: TextContext = ONE) -> Decision:
    return decide(understand(text), context)


@pytest.mark.parametrize("text", ["JOIN", "join c17", "Join C-17 please", "JOIN, C 17", "Ymuno C17", "C17", "c17."])
def test_a_first_text_with_the_childs_code_joins(text: str) -> None:
    decision = made(text)
    assert (decision.answer, decision.stage, decision.acts) == (Answer.JOINED, "joined", ())


def test_a_code_alone_is_no_joining_once_the_carer_has_joined_or_was_asked_which_child() -> None:
    assert made("C17", replace(ONE, enrolment=Enrolment(joined=True))).stage is None


def test_a_carer_of_several_is_shown_how_to_say_which() -> None:
    assert made("JOIN C17", TWO).answer is Answer.JOINED_WITH_SEVERAL


@pytest.mark.parametrize("text", ["JOIN C99", "join k9", "C99", "A1", "M25", "c0", "C17 and A1"])
def test_a_code_of_no_child_of_theirs_goes_to_a_person_and_is_not_said_to_be_anybodys(text: str) -> None:
    decision = made(text)
    assert [type(act.content) for act in decision.acts] == [TextNeedsHuman]
    assert (decision.answer, decision.stage) == (Answer.JOINED_WITH_ANOTHER_CODE, None)


@pytest.mark.parametrize(
    "text", ["PRACTICE MISSING", "practise missing", "Test missing", "ymarfer ar goll", "drill missing c17"]
)
def test_a_practice_report_is_said_as_an_exercise(text: str) -> None:
    decision = made(text)
    [act] = decision.acts
    assert isinstance(act.content, ChildReportedMissing)
    assert (act.subject, decision.exercise, decision.stage) == (AMARA, True, "practising")
    assert decision.answer is Answer.PRACTICE_TOLD


@pytest.mark.parametrize(
    "text",
    [
        "MISSING",
        "missing from practice",
        "practice was cancelled and now he is missing",
        "football practice missing c17",
        "she never came back from practice",
        "exercise class ended, C17 missing",
        "practice missing he has gone help",
        "this is not a test missing",
    ],
)
@pytest.mark.parametrize("context", [ONE, PRACTISING])
def test_what_says_anything_else_is_real_in_the_midst_of_a_practice_too(text: str, context: TextContext) -> None:
    decision = made(text, context)
    assert not decision.exercise
    assert any(isinstance(act.content, ChildReportedMissing) for act in decision.acts)


@pytest.mark.parametrize("text", ["PRACTICE BACK", "ymarfer adref", "BACK", "back"])
def test_the_practice_ends_with_back(text: str) -> None:
    asked = made(text, PRACTISING)
    assert (asked.acts, asked.answer, asked.exercise, asked.stage) == ((), Answer.PRACTICE_CONFIRM, True, None)
    [claim] = asked.claims
    opened = OpenClaim("practice", "K7M2", claim.about[0].subject, "kestrel", live=True)
    decision = made("BACK K7M2", replace(PRACTISING, claims=(opened,)))
    [act] = decision.acts
    assert isinstance(act.content, ReportRetracted)
    assert act.content.proof == "handset"
    assert (act.subject, decision.exercise, decision.stage) == (AMARA, True, "practised")
    assert decision.answer is Answer.PRACTICE_OVER


def test_back_is_real_while_a_real_report_is_open_beside_the_practice() -> None:
    child = replace(ONE.children[0], standing=Standing("missing"))
    decision = made("BACK", replace(PRACTISING, children=(child,)))
    assert not decision.exercise
    assert decision.answer is Answer.BACK_CLAIMED


def test_nothing_is_practised_while_a_real_report_is_open() -> None:
    child = replace(ONE.children[0], standing=Standing("missing"))
    decision = made("PRACTICE MISSING", replace(ONE, children=(child,)))
    assert (decision.acts, decision.answer) == ((), Answer.PRACTICE_NOT_NOW)


def test_of_several_children_the_carer_says_whom_they_practise_for() -> None:
    assert made("PRACTICE MISSING", TWO).answer is Answer.PRACTICE_WHICH
    assert made("PRACTICE MISSING C18", TWO).acts[0].subject == child_id("C18")


@pytest.mark.parametrize("who", ["stranger", "former", "staff"])
@pytest.mark.parametrize("text", ["JOIN C17", "PRACTICE MISSING", "PRACTICE BACK"])
def test_nobody_but_a_carer_joins_or_practises_and_nothing_is_confirmed_to_them(who: str, text: str) -> None:
    decision = made(text, scene_of(Case(who, (), text, frozenset(), human=True)))
    assert (decision.exercise, decision.stage) == (False, None)
    assert any(isinstance(act.content, TextNeedsHuman) for act in decision.acts)
