"""A sentence that is not so gives way to one that is."""

import pytest

from services.safeguarding.duty.facts import Fact, Presupposition, choose_sentence

PRESUPPOSES = {
    "information": Presupposition(frozenset({Fact.REPORT_OPEN}), "no-report-open"),
    "no-report-open": Presupposition(frozenset({Fact.NO_REPORT_OPEN, Fact.CHILD_NAMED}), "kept"),
    "kept": Presupposition(frozenset({Fact.PERSON_ASKED})),
}


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({Fact.REPORT_OPEN}, "information"),
        ({Fact.NO_REPORT_OPEN, Fact.CHILD_NAMED}, "no-report-open"),
        ({Fact.NO_REPORT_OPEN}, "kept"),
        (set(), "kept"),
    ],
)
def test_the_first_sentence_that_is_so_is_sent(facts: set[Fact], sentence: str) -> None:
    assert choose_sentence("information", frozenset(facts), PRESUPPOSES) == sentence


def test_a_sentence_without_a_line_presupposes_nothing() -> None:
    assert choose_sentence("thanks", frozenset(), PRESUPPOSES) == "thanks"


def test_a_line_names_facts_that_there_are() -> None:
    assert Presupposition.read({"holds": ["report-open"], "else": "kept"}) == Presupposition(
        frozenset({Fact.REPORT_OPEN}), "kept"
    )
    with pytest.raises(ValueError, match="report-shut"):
        Presupposition.read({"holds": ["report-shut"]})
    with pytest.raises(TypeError, match="hold"):
        Presupposition.read({"hold": []})
