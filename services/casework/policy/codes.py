"""The short code by which a carer names a child: one letter and a number, unlike any other of the authority's."""

from collections.abc import Collection
from itertools import count


def free_code(wished: str, taken: Collection[str]) -> str:
    """`wished` where nobody has it; else the first free number of the same letter."""
    if wished not in taken:
        return wished
    return next(code for number in count(1) if (code := f"{wished[0]}{number}") not in taken)
