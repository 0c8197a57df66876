"""A number that nobody knows texts on and on: a person hears of it, and is not flooded."""

from dataclasses import replace

from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from tests.unit.carers.corpus import Case, scene_of

STRANGER = scene_of(Case("stranger", (), "", frozenset(), human=True))


def brought(count: int) -> list[int]:
    """Which of an hour's texts reach a person, by their number."""
    said = understand("where is she")
    return [
        n for n in range(1, count + 1) if decide(said, replace(STRANGER, texts_this_hour=n, replies_this_hour=1)).acts
    ]


def test_the_first_twenty_of_an_hour_all_reach_a_person() -> None:
    assert brought(20) == list(range(1, 21))


def test_of_those_beyond_a_person_is_brought_ever_fewer_and_never_none() -> None:
    assert brought(60)[20:] == [21, 22, 24, 28, 36, 52]
    assert len(brought(2000)) < 35
