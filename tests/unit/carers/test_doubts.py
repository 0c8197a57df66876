"""In doubt no child is chosen: police get all whom it may be, the likeliest first, and one question is asked."""

import pytest

from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import ChildReportedMissing
from tests.unit.carers.corpus import SOMEBODY, Case, child_id, effects, scene_of


def made(text: str, who: str = "home", **given: str) -> Decision:
    return decide(understand(text), scene_of(Case(who, tuple(given.items()), "", frozenset(), human=False)))


def candidates(decision: Decision) -> list[str]:
    [report] = [act.content for act in decision.acts if isinstance(act.content, ChildReportedMissing)]
    codes = {child_id(f"C{number}"): f"C{number}" for number in range(17, 27)}
    return [codes[each] for each in report.candidates]


DOUBTFUL = [
    "C23 is upstairs, his sister isn't", "C23 is here. Her brother is missing", "C23 safe, the other one isn't",
    "C23 is in, another girl has gone", "Selam is in bed, not seen her friend, her roommate is gone",
    "C23 is in her room, not back yet", "C23 is here with me, still not home",
]  # fmt: skip


@pytest.mark.parametrize("text", DOUBTFUL)
def test_beside_a_child_who_is_there_nobody_is_chosen(text: str) -> None:
    decision = made(text)
    assert {act.subject for act in decision.acts} == {SOMEBODY}
    assert (decision.answer, decision.question is not None) == (Answer.MISSING_WHICH, True)
    assert candidates(decision)[-1] == "C23"


def test_a_sister_is_likelier_a_girl() -> None:
    assert candidates(made("C23 is upstairs, his sister isn't")) == ["C22", "C25", "C21", "C24", "C26", "C23"]
    assert candidates(made("he has run away")) == ["C21", "C24", "C26", "C22", "C23", "C25"]


def test_who_is_named_is_sought_and_the_other_is_a_report_of_its_own() -> None:
    assert effects(made("C23 and C24 and her sister are gone")) >= {"missing C23", "missing C24"}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Lihn is missing", {"missing C22"}),
        ("Omad and Linh are missing", {"missing C22"}),
        ("Selam and Bleesing are gone", {"missing C23", "missing C25"}),
        ("C23 gone, Adrit gone too", {"missing C23", "missing C24"}),
        ("Lnh has gone", {"missing C22"}),
    ],
)
def test_names_are_known_from_three_letters_misspelt_and_beside_others(text: str, means: set[str]) -> None:
    assert effects(made(text)) == means


def test_a_road_is_no_child() -> None:
    assert effects(made("Omid walked off along the C23 toward Crowborough, no coat")) == {"missing C26"}
