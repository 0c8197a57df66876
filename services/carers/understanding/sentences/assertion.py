"""Tells whether a clause asserts something: it is not hoped, asked, planned, usual, long over or hearsay.

Patterns are over plain words. A statement that is not asserted may be news, but is no return, no false alarm and no
find.
"""

import re
from dataclasses import dataclass

from services.carers.understanding.languages.lexicon import load_patterns

PATTERNS = load_patterns("assertion")


@dataclass(frozen=True, slots=True)
class Context:
    """What earlier clauses of the text imply for this one."""

    told_by_others: bool = False
    of_other_times: bool = False
    witnessed: bool = False


def is_asked(plain: str, place: int, *, mark: bool) -> bool:
    """`mark`: the clause ends with a question mark. A later question in it leaves the words at `place` a statement."""
    if asks(plain) or (mark and PATTERNS["asks_by_a_word"].search(plain) is not None):
        return True
    return mark and PATTERNS["asks_afterwards"].search(plain, place) is None


def asks(plain: str) -> bool:
    """Whether its word order is that of a question, with or without a question mark."""
    return PATTERNS["asked"].search(PATTERNS["to_say"].sub(hide, plain)) is not None


def is_asserted(plain: str, place: int, context: Context) -> bool:
    """Whether the words at `place` are asserted about the present by somebody who knows."""
    shown = PATTERNS["to_say"].sub(hide, plain)
    before = shown[:place]
    if PATTERNS["still_to_come"].match(shown, place) or before.split()[-1:] == ["be"]:
        return False
    if PATTERNS["embedded"].search(before) or _is_modal(before) or PATTERNS["asks_by_a_word"].search(before):
        return False
    if tells_of_other_times(shown) or (
        PATTERNS["present"].search(before) and not PATTERNS["this_moment"].search(shown)
    ):
        return False
    if context.of_other_times and not PATTERNS["at_some_time"].search(shown):
        return False
    if not context.witnessed and PATTERNS["hedged"].search(shown, place):
        return False
    return context.witnessed or not (context.told_by_others or tells_by_others(before))


def tells_of_other_times(plain: str) -> bool:
    return PATTERNS["habit"].search(plain) is not None or PATTERNS["long_over"].search(plain) is not None


def tells_by_others(plain: str) -> bool:
    """Whether it is hearsay."""
    return any(not _are_own(plain[: found.start()].rstrip(), found[0]) for found in PATTERNS["said"].finditer(plain))


def leads_up(plain: str) -> bool:
    """Whether it only introduces the words of somebody else, which follow."""
    shown = PATTERNS["to_say"].sub(hide, plain)
    found = PATTERNS["only_said"].search(shown)
    return found is not None and not _are_own(shown[: found.start()].rstrip(), found[0])


def is_only_a_hedge(plain: str) -> bool:
    """Whether it only says who said, or believes, the clause before it."""
    return PATTERNS["hedged"].match(plain) is not None


def _are_own(before: str, saying: str) -> bool:
    """Whether the speaker says it: "I rang them", or "rang them" at the start. The child's carer counts too."""
    if PATTERNS["by_its_carer"].search(before):
        return True
    if saying.startswith("hear"):
        return False
    if not before.strip(" ~"):
        return PATTERNS["begins_own_words"].match(saying) is not None
    return PATTERNS["after_own_words"].search(before) is not None and not (
        saying == "told" and PATTERNS["told_by_others"].search(before)
    )


def _is_modal(before: str) -> bool:
    after = [before[each.end() :] for each in PATTERNS["modal"].finditer(before)][-1:]
    return any(len(between.split()) <= 4 and PATTERNS["a_subject"].search(between) is None for between in after)


def hide(match: re.Match[str]) -> str:
    return "~" * len(match[0])
