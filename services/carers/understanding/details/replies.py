"""Recognises what a sender answers or asks of us. `words` are as `plain_words.normalise` gives them."""

from collections.abc import Iterable

from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.lexicon import load_patterns, load_words

PATTERNS = load_patterns("replies")
PLAIN = load_words("replies")["adds_nothing_to_an_ok"]


def says_ok(words: str) -> bool:
    """Also without the code of a telling: for a child, for everything, or alone."""
    return PATTERNS["says_ok"].search(words) is not None


def says_all(words: str) -> bool:
    return PATTERNS["says_all"].search(words) is not None


def may_take_back(words: str) -> bool:
    return PATTERNS["takes_back"].search(words) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN | set(beside)


def declines(words: str) -> bool:
    """Whether somebody on duty refuses. The next person must then be told, whatever code the text holds."""
    return PATTERNS["declines"].search(plain_words.simplify(words)) is not None


def asks_for_residence(words: str) -> bool:
    """Whether a "where" asks for a child's home."""
    return PATTERNS["residence"].search(words) is not None


def asks_for_a_child(words: str) -> bool:
    """Whether it only asks where a child is now."""
    return PATTERNS["of_a_child_now"].search(words) is not None
