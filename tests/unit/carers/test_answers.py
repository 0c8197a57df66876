"""What of a carer's words answers a control room's question, and what does not."""

import pytest

from services.carers.understanding.details.answers import find_answers
from services.safeguarding.notice_fields import ReportQuestion as Asked


def questions(text: str) -> set[Asked]:
    return {each.question for each in find_answers(text)}


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("she was wearing a black puffa and white trainers", {Asked.CLOTHING}),
        ("grey hoody, blue jeans", {Asked.CLOTHING}),
        ("in her school uniform", {Asked.CLOTHING}),
        ("Roedd hi'n gwisgo cot goch", {Asked.CLOTHING}),
        ("last seen outside McDonalds", {Asked.LAST_SEEN_PLACE}),
        ("I lost her at the market", {Asked.LAST_SEEN_PLACE}),
        ("we last saw him", {Asked.LAST_SEEN_BY}),
        ("the neighbour saw him", {Asked.LAST_SEEN_BY}),
        ("I woke at two", {Asked.NOTICED_MISSING}),
        ("he ran off towards the canal", {Asked.DIRECTION}),
        ("she got in a taxi", {Asked.TRANSPORT}),
        ("with an older girl", {Asked.COMPANIONS}),
        ("she was on her own", {Asked.COMPANIONS}),
        ("gyda ei ffrind", {Asked.COMPANIONS}),
        ("he took his passport", {Asked.ITEMS_TAKEN}),
        ("her rucksack is gone", {Asked.ITEMS_TAKEN}),
        ("she had been crying", {Asked.WHY_WORRIED}),
        ("this is so out of character", {Asked.OUT_OF_CHARACTER}),
        ("I have rung her friends and checked the shed", {Asked.DONE_SO_FAR}),
        ("he is diabetic", {Asked.RISKS_NOW}),
    ],
)
def test_each_question_is_found_answered(text: str, answered: set[Asked]) -> None:
    assert questions(text) == answered


@pytest.mark.parametrize(
    "text",
    [
        "MISSING", "C17 missing", "not back yet", "she is back in her room", "new trainers and two phones", "she had a phone call",
        "where is he", "last seen at 9", "still nothing", "thanks", "I drove round town and went along the canal", "with me now",
        "BACK", "", "\U0001f62d\U0001f62d",
    ],
)  # fmt: skip
def test_what_answers_nothing_of_how_a_child_went_is_no_answer_to_that(text: str) -> None:
    assert questions(text) - {Asked.DONE_SO_FAR} == set()


def test_of_several_sentences_each_answer_is_its_own_word_for_word() -> None:
    found = {
        each.question: each.words
        for each in find_answers("MISSING. Grey hoody, jeans.\nLast seen outside McDonald's at 9. With Lee.")
    }
    assert found == {Asked.CLOTHING: "Grey hoody, jeans", Asked.LAST_SEEN_PLACE: "Last seen outside McDonald's at 9"}


def test_two_sentences_that_answer_one_question_are_both_the_answer() -> None:
    [found] = find_answers("black coat. oh and white trainers!")
    assert found.words == "black coat oh and white trainers!"
