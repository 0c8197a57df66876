"""Recognises an OK that stands without the code of a telling: for a child, for everything, or alone."""

import re
from collections.abc import Iterable

from services.carers.understanding.languages.word_lists import word_set

SAYS_OK = re.compile(r"^(?:ok|okay|0k|k|ack|acknowledged|iawn|got it|got|have it|i have(?: it)?|i have got|ive got)\b")
SAYS_ALL = re.compile(r"\b(?:all|both|everything|popeth|pob un)\b")
PLAIN = word_set("""
    0k a ack acknowledged all and both cheers child code deal dealing diolch everything fi for gennyf got have i iawn is it
    ive k now ok okay on one pob popeth received right seen thank thanks that the them these this to un understood will
    with you
""")
"""Words that add nothing to an OK."""


def says_ok(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return SAYS_OK.search(words) is not None


def says_all(words: str) -> bool:
    return SAYS_ALL.search(words) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN | set(beside)
