"""How many texts that the grammar never met are understood exactly, by what they mean: `python -m tests.unit.carers.measuring`."""

from collections import Counter

from tests.unit.carers.texting import Case, cases, effects, made_of


def kind_of(case: Case) -> str:
    return ", ".join(sorted({part.split()[0] for part in case.means}))


def exact_by_kind(part: list[Case]) -> dict[str, tuple[int, int]]:
    """How many exactly, and of how many."""
    all_of = Counter(kind_of(case) for case in part)
    exact = Counter(kind_of(case) for case in part if effects(made_of(case)) == case.means)
    return {kind: (exact[kind], all_of[kind]) for kind in sorted(all_of)}


if __name__ == "__main__":
    for kind, (exact, of) in exact_by_kind(cases("held_out.yaml")).items():
        print(f"{kind:20} {exact:3} of {of}")
