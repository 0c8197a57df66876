"""What hundreds of texts, written as their senders write them, bring about."""

import pytest

from tests.unit.carers.measuring import exact_by_kind
from tests.unit.carers.texting import (
    Case,
    cases,
    effects,
    made_of,
    reaches,
    sent_to_a_person_without_need,
    wrong_children,
)

CORPUS = cases("corpus.yaml")
HELD_OUT = cases("held_out.yaml")
NEEDLESS_MOST = 0.15
EXACT_AT_LEAST = 0.90


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_each_text_of_the_corpus_brings_about_what_its_writer_meant(case: Case) -> None:
    assert effects(made_of(case)) == case.means


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_each_text_of_the_corpus_is_answered_as_it_was_meant(case: Case) -> None:
    assert str(made_of(case).answer or "none") in case.answers


@pytest.mark.parametrize("case", [*CORPUS, *HELD_OUT], ids=str)
def test_every_text_reaches_a_case_or_a_human(case: Case) -> None:
    assert reaches(case, made_of(case))


@pytest.mark.parametrize("case", [*CORPUS, *HELD_OUT], ids=str)
def test_no_text_opens_or_ends_anything_for_a_child_it_does_not_mean(case: Case) -> None:
    assert wrong_children(case, made_of(case)) == set()


def test_the_corpus_is_large_enough_to_say_anything() -> None:
    assert len(CORPUS) + len(HELD_OUT) >= 500
    assert len({(case.who, case.given, case.text) for case in [*CORPUS, *HELD_OUT]}) >= 500


@pytest.mark.parametrize("part", [CORPUS, HELD_OUT], ids=["corpus", "held out"])
def test_few_plain_english_texts_are_sent_to_a_person_without_need(part: list[Case]) -> None:
    assert sent_to_a_person_without_need(part) <= NEEDLESS_MOST


def test_most_texts_that_the_grammar_never_met_are_understood_exactly() -> None:
    by_kind = exact_by_kind(HELD_OUT)
    exact = sum(count for count, _ in by_kind.values())
    assert exact / len(HELD_OUT) >= EXACT_AT_LEAST, by_kind
