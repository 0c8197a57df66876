"""What of a carer's words answers a control room's question, and what does not."""

import pytest

from services.carers.understanding.replies import find_answers
from services.safeguarding.notice_fields import ReportQuestion as Asked


def questions(text: str) -> set[Asked]:
    return {each.question for each in find_answers(text)}


@pytest.mark.parametrize(
    ("text", "answered"),
    [
        ("she was wearing a black puffa and white trainers", {Asked("clothing")}),
        ("grey hoody, blue jeans", {Asked("clothing")}),
        ("in her school uniform", {Asked("clothing")}),
        ("Roedd hi'n gwisgo cot goch", {Asked("clothing")}),
        ("last seen outside McDonalds", {Asked("last_seen_place")}),
        ("I lost her at the market", {Asked("last_seen_place")}),
        ("we last saw him", {Asked("last_seen_by")}),
        ("the neighbour saw him", {Asked("last_seen_by")}),
        ("I woke at two", {Asked("noticed_missing")}),
        ("he ran off towards the canal", {Asked("direction")}),
        ("she got in a taxi", {Asked("transport")}),
        ("with an older girl", {Asked("companions")}),
        ("she was on her own", {Asked("companions")}),
        ("gyda ei ffrind", {Asked("companions")}),
        ("he took his passport", {Asked("items_taken")}),
        ("her rucksack is gone", {Asked("items_taken")}),
        ("she had been crying", {Asked("why_worried")}),
        ("this is so out of character", {Asked("out_of_character")}),
        ("I have rung her friends and checked the shed", {Asked("done_so_far")}),
        ("he is diabetic", {Asked("risks_now")}),
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
    assert questions(text) - {Asked("done_so_far")} == set()


def test_of_several_sentences_each_answer_is_its_own_word_for_word() -> None:
    found = {
        each.question: each.words
        for each in find_answers("MISSING. Grey hoody, jeans.\nLast seen outside McDonald's at 9. With Lee.")
    }
    assert found == {
        Asked("clothing"): "Grey hoody, jeans",
        Asked("last_seen_place"): "Last seen outside McDonald's at 9",
    }


def test_two_sentences_that_answer_one_question_are_both_the_answer() -> None:
    [found] = find_answers("black coat. oh and white trainers!")
    assert found.words == "black coat oh and white trainers!"
