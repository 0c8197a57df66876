"""Recognises texts that only join or practise. A text that says anything else is never practice."""

import re

from services.carers.understanding.meaning import Intent

CODES = r"(?: (?:and )?[a-z]{0,3}\d{1,4})*"
KIND = r"(?:please |thanks |a |an |the |for |my |run |first )*"
JOIN = re.compile(rf"(?:join|joining|enrol|enroll|ymuno)(?: safe return)?{CODES}(?: please| thanks)?")
PRACTICE = r"(?:practice|practise|practis|exercise|drill|test|testing|ymarfer)"
PRACTISED = {
    Intent.PRACTICE_MISSING: re.compile(rf"{PRACTICE} (?:missing|ar goll){CODES}"),
    Intent.PRACTICE_BACK: re.compile(rf"{PRACTICE} (?:back|home|adref|over|done){CODES}"),
    Intent.PRACTICE: re.compile(rf"{KIND}{PRACTICE}(?: run| message| text| report)?{CODES}"),
}
CODE = re.compile(r"\b[a-z]{1,3}\d{1,4}\b")
ONLY_CODES = re.compile(rf"{CODE.pattern}(?: (?:and )?{CODE.pattern})*")


def find_command(words: str) -> Intent | None:
    """`words` as `plain_words.normalise` gives them."""
    if JOIN.fullmatch(words):
        return Intent.JOIN
    return next((intent for intent, pattern in PRACTISED.items() if pattern.fullmatch(words)), None)


def is_only_codes(words: str) -> bool:
    """Whether it holds codes alone. Many carers introduce themselves with the code on their card."""
    return ONLY_CODES.fullmatch(words) is not None


def find_codes(words: str) -> list[str]:
    """Whatever is written as a code is, whether a child has it or not."""
    return CODE.findall(words)
