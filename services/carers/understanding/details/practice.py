"""Recognises texts that only join or practise. A text that says anything else is never practice."""

import re

from services.carers.understanding.languages.lexicon import load_patterns
from services.carers.understanding.meaning import Intent

PATTERNS = load_patterns("replies")
PRACTISED = (Intent.JOIN, Intent.PRACTICE_MISSING, Intent.PRACTICE_BACK, Intent.PRACTICE)
CODE = re.compile(r"\b[a-z]{1,3}\d{1,4}\b")
ONLY_CODES = re.compile(rf"{CODE.pattern}(?: (?:and )?{CODE.pattern})*")


def find_command(words: str) -> Intent | None:
    """`words` as `plain_words.normalise` gives them."""
    return next((intent for intent in PRACTISED if PATTERNS[intent.value].fullmatch(words)), None)


def is_only_codes(words: str) -> bool:
    """Whether it holds codes alone. Many carers introduce themselves with the code on their card."""
    return ONLY_CODES.fullmatch(words) is not None


def find_codes(words: str) -> list[str]:
    """Whatever is written as a code is, whether a child has it or not."""
    return CODE.findall(words)
