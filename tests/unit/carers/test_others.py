"""A tired carer reports the second child by "the other one too": it is reported, or the carer is asked who it is."""

from dataclasses import replace

import pytest

from services.carers.policy.context import Provisional, Question, TextContext
from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from tests.unit.carers.corpus import SOMEBODY, Case, child_id, effects, scene_of
from tests.unit.carers.test_confirmation import claim


def scene(who: str = "two", **given: str) -> TextContext:
    return scene_of(Case(who, tuple(given.items()), "", frozenset(), human=False))


def made(text: str, context: TextContext) -> Decision:
    return decide(understand(text), context)


ALSO = [
    "the other one too", "and the other one", "The other one as well!", "other child also", "so has the other one", "Yusuf too", "yusuf aswell",
    "C18 too", "and C18", "C18 now too", "18 too", "same for C18", "so has Yusuf", "and yusuf now", "no yusuf too", "y llall hefyd", "C18 hefyd",
]  # fmt: skip


@pytest.mark.parametrize("text", ALSO)
@pytest.mark.parametrize("state", ["", "returned"])
def test_what_says_the_same_of_the_other_reports_the_other(text: str, state: str) -> None:
    given = {"C17": "missing"} | ({"C18": state} if state else {})
    decision = made(text, scene(**given))
    assert effects(decision) == {"missing C18"}
    assert decision.answer is Answer.MISSING


@pytest.mark.parametrize("text", ["the other one", "both of them", "now both", "they both have", "her brother too", "and her sister", "a'i brawd hefyd"])  # fmt: skip
def test_where_the_words_leave_open_who_or_what_it_is_asked_once_and_added_to_no_report(text: str) -> None:
    decision = made(text, scene(C17="missing"))
    assert effects(decision) == {"human"}
    assert decision.answer is Answer.WHICH
    assert decision.question is not None


def test_of_six_children_who_the_other_one_is_is_asked() -> None:
    assert made("the other one too", scene("home", C21="missing")).answer is Answer.WHICH
    assert effects(made("Linh too", scene("home", C21="missing"))) == {"missing C22"}
    assert effects(made("C22 and C23 too", scene("home", C21="missing"))) == {"missing C22", "missing C23"}


@pytest.mark.parametrize("text", ["C18", "Yusuf", "C17 and C18"])
def test_a_child_that_nobody_misses_named_alone_is_no_news_of_the_missing_one(text: str) -> None:
    decision = made(text, scene(C17="missing"))
    assert ([act.subject for act in decision.acts], decision.answer) == ([child_id("C18")], Answer.KEPT)


@pytest.mark.parametrize(
    "text", ["C17", "Amara too", "me too", "same", "Yusuf says she has too", "Yusuf knows too much"]
)
def test_what_is_of_the_missing_child_is_still_added_to_its_report(text: str) -> None:
    assert effects(made(text, scene(C17="missing"))) == {"info C17"}


@pytest.mark.parametrize("text", ["Yusuf is well", "C18 well", "he is well and so is Yusuf", "I have Yusuf as well", "Yusuf has her too"])  # fmt: skip
def test_who_is_well_or_with_somebody_is_not_missing_too(text: str) -> None:
    assert "missing C18" not in effects(made(text, scene(C17="missing")))


def test_too_after_a_child_was_found_reports_nobody() -> None:
    assert "missing C18" not in effects(made("Yusuf too", scene(C17="located")))


@pytest.mark.parametrize("text", ["the other one too", "Yusuf too"])
def test_while_a_return_is_to_be_confirmed_too_may_mean_back_and_reports_nobody(text: str) -> None:
    assert effects(made(text, replace(scene(C17="missing"), claims=(claim(),)))) == {"info C17"}


@pytest.mark.parametrize("text", ["the other one too", "y llall hefyd", "both"])
def test_of_two_of_whom_one_is_reported_without_a_name_both_are_missing_then(text: str) -> None:
    asked = replace(scene(), question=Question("report", SOMEBODY), provisionals=(Provisional(SOMEBODY),))
    assert effects(made(text, asked)) == {"identified C17", "missing C18", "info ?"}


def test_a_child_named_no_is_missing_too() -> None:
    context = scene(C17="missing")
    first, second = context.children
    assert effects(made("No too", replace(context, children=(first, replace(second, names=("No",)))))) == {
        "missing C18"
    }
