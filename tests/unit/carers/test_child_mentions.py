"""Which child? The report that began without a name goes on under the child's: police are not told of two."""

from dataclasses import replace

import pytest

from services.carers.policy.context import Provisional, Question
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import ChildInformationReceived, ChildReportedMissing, TextNeedsHuman
from services.safeguarding.identifiers import provisional_child
from services.safeguarding.message import Message
from tests.unit.carers.corpus import SOMEBODY, Case, child_id, effects, made_of, scene_of

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


OTHER_CODES = [
    "MISSING C99",
    "C99 missing",
    "ar goll C99",
    "C99 ar goll",
    "MISSING C99 C98",
    "c 99 has run off",
]


@pytest.mark.parametrize("text", OTHER_CODES)
@pytest.mark.parametrize("who", ["one", "two", "home"])
def test_a_report_by_a_code_that_none_of_theirs_has_is_a_report_and_the_reply_says_so(text: str, who: str) -> None:
    decision = decide(understand(text), scene_of(Case(who, (), "", frozenset(), human=False)))
    assert effects(decision) == {"missing ?", "human"}
    assert (decision.answer, decision.question) == (Answer.MISSING_OTHER_CODE, Question("report", SOMEBODY))


@pytest.mark.parametrize("text", ["MISSING C99", "C98 missing", "ar goll C99"])
def test_a_second_such_code_reports_no_second_child(text: str) -> None:
    for who in ("one", "two", "home"):
        asked = replace(scene_of(Case(who, (), "", frozenset(), human=False)), question=ASKED.question, provisionals=ASKED.provisionals, provisional=provisional_child("the next"))  # fmt: skip
        decision = decide(understand(text), asked)
        assert {act.subject for act in decision.acts} == {SOMEBODY}
        assert {type(act.content) for act in decision.acts} == {ChildReportedMissing, TextNeedsHuman}
        assert (decision.answer, decision.question) == (Answer.MISSING_OTHER_CODE, ASKED.question)


@pytest.mark.parametrize("text", ["C98 missing too", "MISSING C99 C98", "C98 missing, another one"])
def test_a_second_such_code_that_is_of_another_child_reports_it(text: str) -> None:
    asked = replace(scene_of(Case("home", (), "", frozenset(), human=False)), question=ASKED.question, provisionals=ASKED.provisionals, provisional=provisional_child("the next"))  # fmt: skip
    decision = decide(understand(text), asked)
    assert provisional_child("the next") in {act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing)}  # fmt: skip


@pytest.mark.parametrize("text", ["C99", "c 99", "C99 C98"])
def test_an_answer_by_a_code_that_none_of_theirs_has_leaves_the_question_open_and_says_so(text: str) -> None:
    decision = made(text)
    assert [(act.subject, type(act.content)) for act in decision.acts] == [(SOMEBODY, TextNeedsHuman)]
    assert (decision.answer, decision.answered) == (Answer.MISSING_OTHER_CODE, False)


def test_beside_a_child_of_theirs_another_code_is_a_persons_to_read() -> None:
    two = scene_of(Case("two", (), "", frozenset(), human=False))
    assert effects(decide(understand("MISSING C17 and C99"), two)) == {"missing C17", "human"}


def test_the_right_code_after_a_wrong_one_names_the_child_also_of_a_carer_of_one() -> None:
    asked = replace(scene_of(Case("one", (), "", frozenset(), human=False)), question=ASKED.question, provisionals=ASKED.provisionals)  # fmt: skip
    assert decide(understand("C17"), asked).identified == ((SOMEBODY, child_id("C17")),)


@pytest.mark.parametrize("text", ["BACK", "bk", "baack C17", "ＢＡＣＫ", "Amara is home, police brought her at 2.10am"])
def test_a_plain_return_is_claimed(text: str) -> None:
    assert "back C17" in effects(made_of(Case("one", (("C17", "missing"),), text, frozenset(), human=False)))


@pytest.mark.parametrize("text", ["Police say Amara is home", "Amara is home, asleep", "Amara is home but upset"])
def test_a_return_in_more_words_than_it_takes_is_information_and_the_reply_asks_for_back(text: str) -> None:
    decision = made_of(Case("one", (("C17", "missing"),), text, frozenset(), human=False))
    assert effects(decision) == {"info C17"}
    assert decision.answer is Answer.INFORMATION
