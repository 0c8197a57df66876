"""Finds a free code for a child, by which carers name it: a letter and a number, unique within the authority."""

from collections.abc import Collection
from itertools import count


def free_code(wished: str, taken: Collection[str]) -> str:
    """`wished` if nobody has it; otherwise the first free number of the same letter."""
    if wished not in taken:
        return wished
    return next(code for number in count(1) if (code := f"{wished[0]}{number}") not in taken)
