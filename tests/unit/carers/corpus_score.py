"""How texts are read: `python -m tests.unit.carers.corpus_score` prints counts, and never a text. With `--file PATH` it
counts the harms of a set in the format of `harms.py`.

`unseen.yaml` is measured and not read: whoever mends the grammar by it has nothing left to measure by.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.carers.understanding.grammar import understand
from services.carers.understanding.meaning import Intent
from tests.unit.carers import harms
from tests.unit.carers.corpus import (
    Case,
    cases,
    effects,
    made_of,
    reaches,
    sent_to_a_person_without_need,
    wrong_children,
)
from tests.unit.carers.harms import Situation

CLAIMS = frozenset({"back", "retracted-missing"})


def kind_of(case: Case) -> str:
    return ", ".join(sorted({part.split()[0] for part in case.means}))


def is_exact(case: Case) -> bool:
    """In other languages plain words for missing are a report that a person reads as well. Who says who a child is has the telling."""
    found = effects(made_of(case)) - {"ack ?"}
    if found == case.means - {"ack ?"}:
        return True
    if Intent.FALSE_ALARM in understand(case.text).intents and found == _without_withdrawal(case.means):
        return True
    reported = frozenset({"missing C17", "human"})
    of_a_person = case.means in ({"human"}, {"missing C17"}) and case.human
    return case.who == "one" and of_a_person and found == reported and understand(case.text).doubtful


def _without_withdrawal(means: frozenset[str]) -> frozenset[str]:
    """Only FALSE ALARM and nothing else takes a report back. Other words to that effect go on as information."""
    return frozenset(part.replace("retracted-missing", "info") for part in means)


def exact_by_kind(part: Sequence[Case]) -> dict[str, tuple[int, int]]:
    """How many exactly, and of how many."""
    all_of = Counter(kind_of(case) for case in part)
    exact = Counter(kind_of(case) for case in part if is_exact(case))
    return {kind: (exact[kind], all_of[kind]) for kind in sorted(all_of)}


def claims_not_meant(case: Case) -> set[str]:
    """Returns and withdrawals that the text does not say."""
    found = {part for part in effects(made_of(case)) if part.split()[0] in CLAIMS}
    return set() if is_exact(case) else found - case.means


def is_english(case: Case) -> bool:
    return case.text.isascii() and not understand(case.text).welsh and not understand(case.text).doubtful


@dataclass(frozen=True, slots=True)
class Measured:
    """Of so many texts how many are read in which way."""

    texts: int
    exact: int
    english: int
    exact_english: int
    claims_not_meant: int
    wrong_children: int
    lost: int
    needless: float
    """The share of plain English texts that a person reads without need."""


def measured(part: list[Case]) -> Measured:
    english = [case for case in part if is_english(case)]
    return Measured(
        texts=len(part),
        exact=sum(map(is_exact, part)),
        english=len(english),
        exact_english=sum(map(is_exact, english)),
        claims_not_meant=sum(bool(claims_not_meant(case)) for case in part),
        wrong_children=sum(bool(wrong_children(case, made_of(case))) and not is_exact(case) for case in part),
        lost=sum(not reaches(case, made_of(case)) for case in part),
        needless=round(sent_to_a_person_without_need(part), 3),
    )


def print_harms(name: str, texts: list[Situation]) -> None:
    exact = sum(map(harms.is_exact, texts))
    print(f"{name}: {len(texts)} texts, {exact} exact")
    for harm, (found, among) in harms.count_harms(texts).items():
        verdict = ("passes" if harms.passes(harm, found, among) else "FAILS") if harm in harms.GATES else "trend"
        print(f"    {harm:30} {found:3} of {among:4}  {verdict}")


def main() -> None:
    """Prints counts alone."""
    arguments = ArgumentParser(description=main.__doc__)
    arguments.add_argument("--file", type=Path, action="append", default=[], help="a set of texts with their truth")
    given = arguments.parse_args().file
    for path in given:
        print_harms(path.name, harms.read_set(path))
    for name in () if given else ("corpus.yaml", "held_out.yaml", "met.yaml", "unseen.yaml"):
        print(name, measured(cases(name)))
        for kind, (exact, of) in exact_by_kind(cases(name)).items():
            print(f"    {kind:20} {exact:3} of {of}")
        print_harms(name, harms.from_corpus(cases(name)))


if __name__ == "__main__":
    main()
