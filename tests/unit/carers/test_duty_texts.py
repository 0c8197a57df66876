"""What duty staff text with the code of a telling: an acknowledgement only where they say that they have it."""

import pytest

from services.safeguarding.duty.outcomes import DutyAcknowledged
from tests.unit.carers.corpus import Case, effects, made_of


def made(text: str) -> tuple[frozenset[str], bool]:
    decision = made_of(Case("staff", (("C17", "missing"),), text, frozenset(), human=False))
    return effects(decision), any(isinstance(act.content, DutyAcknowledged) for act in decision.acts)


@pytest.mark.parametrize(
    "text",
    [
        "4K7PX status",
        "have police answered on 4k7px",
        "4K7PX who else has been told?",
        "4K7PX i finished at 5 this needs to go to EDT",
        "4K7PX please pass to Sarah",
        "4K7PX she is not on my caseload",
        "4K7PX I've left that team",
    ],
)
def test_a_question_or_somebody_off_duty_acknowledges_nothing(text: str) -> None:
    assert not made(text)[1]


@pytest.mark.parametrize("text", ["4 K 7 P X ok", "4K7PX seen and understood", "4K7PX on my way to the home"])
def test_whoever_has_it_acknowledges_and_says_no_more(text: str) -> None:
    assert made(text) == (frozenset({"ack C17"}), True)


@pytest.mark.parametrize(
    "text", ["4K7PX she was wearing a grey hoodie", "Update on 4K7PX - she has a boyfriend called Tariq"]
)
def test_what_they_know_of_the_child_is_kept_as_well(text: str) -> None:
    assert made(text)[0] == {"ack C17", "info C17"}
