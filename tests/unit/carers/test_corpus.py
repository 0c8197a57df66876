"""What hundreds of texts, written as their senders write them, bring about."""

import pytest
import yaml

from tests.support.cases import try_each
from tests.unit.carers import harms
from tests.unit.carers.corpus import (
    HERE,
    Case,
    cases,
    effects,
    made_of,
    reaches,
    sent_to_a_person_without_need,
    wrong_children,
)
from tests.unit.carers.corpus_score import claims_not_meant, exact_by_kind, is_exact, measured

CORPUS = cases("corpus.yaml")
HELD_OUT = cases("held_out.yaml")
MET = cases("met.yaml")
UNSEEN = cases("unseen.yaml")
NEEDLESS_MOST = 0.10
UNSEEN_EXACT = 0.82
UNSEEN_CLAIMS = 5
UNSEEN_WRONG = 0
WRITERS_HARMED = {
    "named missing child dropped": 3,
    "plain report not opened": 10,
}
"""Of 1144: 2 of the dropped and 7 of those not opened are of the sixth set, by which nobody has mended the grammar.
On the first reading of the first two sets: 5 wrong, 10 dropped, 15 twice, 3 false claims, 18 of 119 not opened;
of the third: 2 wrong, 5 dropped, 2 twice, 5 of 293 false claims, 20 of 140 not opened;
of the fourth, written here before the words of a claim were listed (decision 136): 5 of 60 false claims;
of the fifth 3 of 74 not opened, of the sixth 2 dropped and 8 of 74 not opened (decision 141).
"""
UNSEEN_HARMED = {
    "named missing child dropped": 2,
    "second search for one child": 1,
    "plain report not opened": 3,
}
EXACT_AT_LEAST = 0.90
KNOWN = frozenset(yaml.safe_load((HERE / "known.yaml").read_text(encoding="utf-8")))
"""Texts of `met.yaml` that are read safely, and not exactly."""
KNOWN_MOST = 0.08


OURS = harms.from_corpus([*CORPUS, *HELD_OUT, *MET])
"""The product's own texts. `unseen.yaml`, which is never read, is measured apart."""
WRITERS = [each for letter in "abcdef" for each in harms.read_set(HERE / f"writer_{letter}.yaml")]
"""By writers who had read neither the grammar nor the corpus, and a fourth set of returns. The grammar has been mended by all
but the fourth and the last: `writer_f.yaml` is counted and not read.
"""


# A test holds thousands of texts and names those that it fails for: as a test each, they took longer to be counted than to be read.
def test_each_text_of_the_corpus_brings_about_what_its_writer_meant() -> None:
    try_each(CORPUS, lambda case: effects(made_of(case)) ^ case.means)


def test_each_text_of_the_corpus_is_answered_as_it_was_meant() -> None:
    try_each(CORPUS, lambda case: {str(made_of(case).answer or "none")} - case.answers)


def test_each_text_that_was_met_brings_about_what_its_writer_meant() -> None:
    unknown = [case for case in MET if case.text not in KNOWN]
    try_each(unknown, lambda case: None if is_exact(case) else effects(made_of(case)))


def test_few_texts_that_were_met_are_known_not_to_be_read_exactly() -> None:
    assert {case.text for case in MET} >= KNOWN
    assert len(KNOWN) / len(MET) <= KNOWN_MOST


def test_no_text_that_was_met_is_said_to_end_what_it_does_not_end() -> None:
    try_each(MET, claims_not_meant)


def test_every_text_reaches_a_case_or_a_human() -> None:
    try_each([*CORPUS, *HELD_OUT, *MET], lambda case: not reaches(case, made_of(case)))


def test_no_text_opens_or_ends_anything_for_a_child_it_does_not_mean() -> None:
    try_each([*CORPUS, *HELD_OUT, *MET], lambda case: wrong_children(case, made_of(case)))


@pytest.mark.parametrize("harm", harms.GATES)
def test_the_products_own_texts_do_no_more_harm_than_the_gate_lets_through(harm: str) -> None:
    gate = harms.GATES[harm]
    found, among = harms.count_harms(OURS)[harm]
    assert among > 100
    assert harms.passes(harm, found, among), [str(each) for each in OURS if gate.among(each) and gate.harm(each)]


@pytest.mark.parametrize("harm", harms.GATES)
def test_the_writers_texts_do_no_more_harm_than_when_they_were_measured(harm: str) -> None:
    found, _ = harms.count_harms(WRITERS)[harm]
    assert found <= WRITERS_HARMED.get(harm, 0), harm


@pytest.mark.parametrize("harm", harms.GATES)
def test_the_unseen_texts_do_no_more_harm_than_when_they_were_measured(harm: str) -> None:
    """They are counted and never read. A failure prints counts alone."""
    found, _ = harms.count_harms(harms.from_corpus(UNSEEN))[harm]
    assert found <= UNSEEN_HARMED.get(harm, 0), harm


def test_the_corpus_is_large_enough_to_say_anything() -> None:
    assert len(CORPUS) + len(HELD_OUT) >= 500
    assert len({(case.who, case.given, case.text) for case in [*CORPUS, *HELD_OUT]}) >= 500


@pytest.mark.parametrize("part", [CORPUS, HELD_OUT, MET, UNSEEN], ids=["corpus", "held out", "met", "unseen"])
def test_few_plain_english_texts_are_sent_to_a_person_without_need(part: list[Case]) -> None:
    assert sent_to_a_person_without_need(part) <= NEEDLESS_MOST


def test_most_texts_that_the_grammar_never_met_are_understood_exactly() -> None:
    by_kind = exact_by_kind(HELD_OUT)
    exact = sum(count for count, _ in by_kind.values())
    assert exact / len(HELD_OUT) >= EXACT_AT_LEAST, by_kind


def test_texts_that_nobody_mended_the_grammar_by_are_read_as_well_as_when_they_were_measured() -> None:
    """They are counted and never read. A failure prints counts alone."""
    found = measured(UNSEEN)
    assert found.exact / found.texts >= UNSEEN_EXACT - 0.02
    assert found.claims_not_meant <= UNSEEN_CLAIMS
    assert found.wrong_children <= UNSEEN_WRONG
    assert found.lost == 0
