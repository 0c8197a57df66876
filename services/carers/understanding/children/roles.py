"""Tells the part of a named child in a clause: its subject, a witness, or the owner of a thing."""

from collections.abc import Collection
from enum import Enum, auto

from services.carers.understanding.languages.lexicon import load_patterns

PATTERNS = load_patterns("roles")
NEGATIONS = frozenset({"neither", "nor", "none", "nobody", "not", "no"})


class Role(Enum):
    SUBJECT = auto()
    WITNESS = auto()
    OWNER = auto()
    WITHOUT = auto()


def find_role(words: list[str], at: int) -> Role:
    """The part of the name at index `at`."""
    before, after = " ".join(words[max(0, at - 3) : at]), " ".join(words[at + 1 : at + 9])
    if PATTERNS["without"].search(before):
        return Role.WITHOUT
    if (
        PATTERNS["told_or_near"].search(before)
        or (PATTERNS["of_us"].search(f"{before} | {after}") and PATTERNS["looking"].search(after))
        or PATTERNS["heard_from"].match(after)
        or (PATTERNS["says"].match(after) and not PATTERNS["plans"].match(after))
    ):
        return Role.WITNESS
    if words[at].endswith("s") and PATTERNS["owned"].match(after):
        return Role.OWNER
    return Role.SUBJECT


def is_present(words: str, forms: Collection[str]) -> bool:
    """Whether the words say of the child whom they name that the child is there."""
    each = words.split()
    return any(
        word in forms and not NEGATIONS & set(each[:at]) and PATTERNS["present"].match(" ".join(each[at + 1 :]))
        for at, word in enumerate(each)
    )


def tells_of_another(words: str) -> bool:
    """Whether the child named says that it has not seen somebody else."""
    return PATTERNS["of_another"].search(words) is not None
