"""Stops an import that would end many lines at once: more probably a broken export than a council's wish."""

from collections.abc import Mapping
from dataclasses import dataclass

AT_LEAST = 10
"""Fewer never stop an import: a small authority changes that many in a day."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many of the lines that were there an import ends, or takes to another number."""

    lost: int
    of: int


def excessive(losses: Mapping[str, Loss], share: float) -> dict[str, Loss]:
    """Those that a person has to confirm."""
    return {what: each for what, each in losses.items() if each.lost >= AT_LEAST and each.lost > share * each.of}
