"""Reads what the sentences of a service presuppose (`presupposes.yaml`, one for all languages), and counts those that
gave way to another because it did not hold.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from prometheus_client import Counter

from services.safeguarding.duty.facts import Fact, Presupposition, choose_sentence
from services.wording import read_words

GAVE_WAY = Counter(
    "sentences_gave_way",
    "Sentences that gave way to another, since what they presuppose did not hold",
    ["sentence", "instead"],
)


def read_presuppositions(folder: Path, fact: Callable[[str], StrEnum] = Fact) -> Mapping[str, Presupposition]:
    """By the key of the sentence. Raises ValueError where an `else` names none, or where they lead in a circle."""
    found = {key: Presupposition.read(line, fact) for key, line in read_words(folder / "presupposes.yaml").items()}
    for key in found:
        path = [key]
        while (instead := found[path[-1]].otherwise) is not None:
            if instead not in found or instead in path:
                raise ValueError(f"presupposes.yaml: {path[-1]}: else: {instead}: no other sentence has that key")
            path.append(instead)
    show_from_the_start(found)
    return found


def show_from_the_start(presupposes: Mapping[str, Presupposition]) -> None:
    """Counts nothing yet: an alert would else not see the first."""
    for key in presupposes:
        instead = presupposes[key].otherwise
        while instead is not None:
            GAVE_WAY.labels(key, instead)
            instead = presupposes[instead].otherwise


def choose_true(key: str, facts: frozenset[StrEnum], presupposes: Mapping[str, Presupposition]) -> str:
    """As `choose_sentence`, and counts it where another is chosen: a case is missing in the tests."""
    chosen = choose_sentence(key, facts, presupposes)
    if chosen != key:
        GAVE_WAY.labels(key, chosen).inc()
    return chosen
