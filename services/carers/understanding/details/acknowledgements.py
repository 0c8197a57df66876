"""Recognises an OK that stands without the code of a telling: for a child, for everything, or alone."""

from collections.abc import Iterable

from services.carers.understanding.languages.lexicon import load_patterns, load_words

PATTERNS = load_patterns("replies")
PLAIN = load_words("replies")["adds_nothing_to_an_ok"]


def says_ok(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return PATTERNS["says_ok"].search(words) is not None


def says_all(words: str) -> bool:
    return PATTERNS["says_all"].search(words) is not None


def may_take_back(words: str) -> bool:
    return PATTERNS["takes_back"].search(words) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN | set(beside)
