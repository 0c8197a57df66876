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
TAKES_BACK = re.compile(
    r"\b(?:not|nobody|none|never|nothing|no(?! (?:problem|problems|worries|bother)\b)|except|who|whose|what|elses?"
    r"|ddim|dim|neb|nid|pwy)\b"
)
"""Words by which what begins as an OK may be none: "I have not got C17", "got nobody for C17", "OK ALL but not C31"."""


def says_ok(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return SAYS_OK.search(words) is not None


def says_all(words: str) -> bool:
    return SAYS_ALL.search(words) is not None


def may_take_back(words: str) -> bool:
    return TAKES_BACK.search(words) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN | set(beside)
