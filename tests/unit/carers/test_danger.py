"""A life in danger comes before all else: 999 now, and a person is asked to ring. Whoever asks for a person gets one."""

import pytest

from services.carers.policy.decision import Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events.events import TextNeedsHuman
from tests.unit.carers.corpus import Case, effects, scene_of


def made(text: str, who: str = "home", **given: str) -> Decision:
    return decide(understand(text), scene_of(Case(who, tuple(given.items()), "", frozenset(), human=False)))


DANGERS = [
    "has swallowed pills, C23 is with me", "Selam has taken loads of paracetamol", "C23 has taken an overdose", "theres blood everywhere, C23 cut her arms",
    "C23 is unconscious help", "Ardit has a knife in the kitchen", "the house is on fire", "two men are banging on the front door asking for Linh",
    "mae hi wedi llyncu tabledi",
]  # fmt: skip


@pytest.mark.parametrize("text", DANGERS)
def test_in_danger_999_comes_first_a_person_is_asked_and_nobody_is_reported(text: str) -> None:
    decision = made(text)
    assert decision.answer is Answer.DANGER
    assert {act.content.reason for act in decision.acts if isinstance(act.content, TextNeedsHuman)} == {"in-danger"}
    assert not any(part.startswith("missing") for part in effects(decision))


@pytest.mark.parametrize("text", ["C23 has gone and the paracetamol is gone, taken all her tablets", "Selam ran off bleeding"])  # fmt: skip
def test_who_is_gone_as_well_is_reported_as_well(text: str) -> None:
    decision = made(text)
    assert (decision.answer, "missing C23" in effects(decision)) == (Answer.DANGER, True)


def test_in_danger_nothing_is_claimed() -> None:
    decision = made("C23 is back but she is bleeding and unconscious", C23="missing")
    assert (decision.answer, decision.claims) == (Answer.DANGER, ())
    assert not any(part.startswith("back") for part in effects(decision))


@pytest.mark.parametrize("text", ["C23 has a blood test tomorrow", "no blood, not hurt", "it was a fire drill"])
def test_what_only_sounds_like_danger_is_none(text: str) -> None:
    assert made(text).answer is not Answer.DANGER


PERSONS = ["stop texting me I want to talk to a person", "who do I speak to", "please get back to me about C23", "can someone ring me"]  # fmt: skip


@pytest.mark.parametrize("text", PERSONS)
def test_whoever_asks_for_a_person_gets_one(text: str) -> None:
    decision = made(text, C23="missing")
    reasons = {act.content.reason for act in decision.acts if isinstance(act.content, TextNeedsHuman)}
    assert (decision.answer, reasons) == (Answer.ASKED_PERSON, {"asked-for-human"})


def test_a_colleague_who_does_not_come_is_no_child() -> None:
    assert not any(
        part.startswith("missing") for part in effects(made("my colleague did not turn up for shift", "one"))
    )
    assert effects(made("she did not turn up", "one")) == {"missing C17"}
