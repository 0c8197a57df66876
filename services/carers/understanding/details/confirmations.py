"""Finds the code by which a sender confirms, and tells whether the words around it say anything else."""

import re
from collections.abc import Iterable

from rapidfuzz.distance import OSA

from services.carers.understanding.languages.lexicon import load_words
from services.safeguarding.identifiers import CODE_ALPHABET

LENGTH = 4
_LIKE_A_CODE = re.compile(rf"\b(?=\w*[a-z])(?=\w*\d)(?!c\d)[{CODE_ALPHABET.lower()}]{{{LENGTH}}}\b")
_TYPED = re.compile(
    r"(?!c\d)(?!\d+(?:am|pm|ish|th|st|nd|rd|h|hrs?|m|mins?|ft|cm|kg)$)(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{3,4}"
)
"""What somebody may type who copies such a code and errs. Neither a time of day, nor a measure, nor a child's code."""
WORDS = load_words("replies")
PLAIN = WORDS["adds_nothing_to_a_code"]
SPEAKS_OF_A_CODE = WORDS["speaks_of_a_code"]


def quotes_code(words: str, code: str) -> bool:
    """`words` as `plain_words.normalise` gives them. The code may be typed with spaces."""
    return _compile_spaced(code).search(words) is not None


def has_other_code(words: str, known: Iterable[str]) -> bool:
    """Whether it holds something like such a code that is not in `known`. A child's code is no such code."""
    others = {each.casefold() for each in known}
    return any(found not in others for found in _LIKE_A_CODE.findall(words))


def is_only_a_slip(words: str, codes: Iterable[str], beside: Iterable[str] = (), *, loosely: bool = True) -> bool:
    """Whether it holds something like one of the codes, or `loosely` like any, and otherwise nothing but filler and the
    words `beside`. A place may be like any: E17, SE16.
    """
    others = set(words.split()) - PLAIN - {*beside}
    known = [each.casefold() for each in codes]
    return bool(others) and all(
        (loosely and _TYPED.fullmatch(word)) or any(OSA.distance(word, code, score_cutoff=1) <= 1 for code in known)
        for word in others
    )


def only_confirms(words: str, codes: Iterable[str], beside: Iterable[str] = ()) -> bool:
    """Whether it holds nothing but the codes, filler and the words `beside`, such as a child's code or name."""
    for code in codes:
        words = _compile_spaced(code).sub(" ", words)
    return set(words.split()) <= PLAIN | set(beside)


def _compile_spaced(code: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)" + r" ?".join(re.escape(each) for each in code.casefold()) + r"(?!\w)")


def seems_meant(words: str) -> bool:
    """Whether it can only be meant to confirm something."""
    each = set(words.split())
    plain = {word for word in each if not word.isdigit()}
    return (bool(plain & SPEAKS_OF_A_CODE) or bool(each and not plain)) and plain <= PLAIN | SPEAKS_OF_A_CODE
