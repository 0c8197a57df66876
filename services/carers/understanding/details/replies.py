"""Recognises what a sender answers, asks of us or practises. `words` are as `plain_words.normalise` gives them."""

import re
from collections.abc import Iterable

from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.lexicon import load_patterns, load_words
from services.carers.understanding.meaning import Intent
from services.safeguarding.identifiers import CODE_ALPHABET, CODE_LENGTH

PATTERNS = load_patterns("replies")
WORDS = load_words("replies")
PLAIN = WORDS["adds_nothing_to_an_ok"]
REFUSES = WORDS["refuses"]
PRACTISED = (Intent.JOIN, Intent.PRACTICE_MISSING, Intent.PRACTICE_BACK, Intent.PRACTICE)
CODE = re.compile(r"\b[a-z]{1,3}\d{1,4}\b")
ANY_CODE = re.compile(rf"c?\d{{1,4}}|[{CODE_ALPHABET.lower()}]{{{CODE_LENGTH}}}|[{CODE_ALPHABET.lower()}]")
"""Of a child or a telling, also typed with spaces."""
ONLY_CODES = re.compile(rf"{CODE.pattern}(?: (?:and )?{CODE.pattern})*")


def says_ok(words: str) -> bool:
    """Also without the code of a telling: for a child, for everything, or alone."""
    return PATTERNS["says_ok"].search(words) is not None


def says_all(words: str) -> bool:
    return PATTERNS["says_all"].search(words) is not None


def says_yes(words: str, beside: Iterable[str]) -> bool:
    """Whether it only says yes, also of the children `beside`, to a question that we asked."""
    said = set(words.split())
    return bool(said & WORDS["agrees"]) and said <= WORDS["agrees"] | WORDS["adds_nothing_to_a_yes"] | {*beside}


def says_no(words: str) -> bool:
    """Whether it only says no, to a question that we asked."""
    said = set(words.split())
    return bool(said & REFUSES) and said <= REFUSES | WORDS["adds_nothing_to_a_yes"]


def may_take_back(words: str) -> bool:
    return PATTERNS["takes_back"].search(words) is not None


def takes_back_a_return(words: str) -> bool:
    """Whether it only says "not back", as whoever has confirmed a return or a false alarm is told to."""
    return PATTERNS["takes_back_a_return"].fullmatch(plain_words.simplify(words)) is not None


def begins_with_not_back(words: str) -> bool:
    """Whatever follows, it opens no search, and ends none."""
    return PATTERNS["takes_back_a_return"].match(plain_words.simplify(words)) is not None


def says_no_more(words: str, beside: Iterable[str]) -> bool:
    """Whether it holds nothing but an OK and the words `beside`, such as children's codes."""
    return set(words.split()) <= PLAIN | set(beside)


def declines(words: str) -> bool:
    """Whether somebody on duty refuses. The next person must then be told, whatever code the text holds."""
    said = {each for each in words.split() if not ANY_CODE.fullmatch(each)}
    alone = bool(said & REFUSES) and said <= REFUSES | WORDS["adds_nothing_to_a_refusal"]
    return alone or PATTERNS["declines"].search(plain_words.simplify(words)) is not None


def denies(words: str) -> bool:
    """Whether it answers "no", whatever else it says. No code in it acknowledges anything."""
    return PATTERNS["denies"].search(words) is not None


def asks_for_residence(words: str) -> bool:
    """Whether a "where" asks for a child's home."""
    return PATTERNS["residence"].search(words) is not None


def asks_for_a_child(words: str) -> bool:
    """Whether it only asks where a child is now."""
    return PATTERNS["of_a_child_now"].search(words) is not None


def find_command(words: str) -> Intent | None:
    """Of a text that only joins or practises. A text that says anything else is never practice."""
    return next((intent for intent in PRACTISED if PATTERNS[intent.value].fullmatch(words)), None)


def is_only_codes(words: str) -> bool:
    """Whether it holds codes alone. Many carers introduce themselves with the code on their card."""
    return ONLY_CODES.fullmatch(words) is not None


def find_codes(words: str) -> list[str]:
    """Whatever is written as a code is, whether a child has it or not."""
    return CODE.findall(words)
