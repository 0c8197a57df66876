"""Recognises the language of a text, for the person who reads it. Pure."""

import unicodedata

import pycld2

from services.safeguarding.child_events.events import TextLanguage

LETTERS_AND_MARKS = frozenset("LM")
CODES = frozenset(TextLanguage)
WELSH = TextLanguage("cy")
"""Looked up here, so that a service does not start where `codes.yaml` has it no more."""


def recognise(text: str) -> TextLanguage | None:
    """None for English, for too few words to tell, and for a language without a `TextLanguage`."""
    # CLD2 refuses control characters. English is hinted at, so that a misspelt word is not Danish.
    words = "".join(each if unicodedata.category(each)[0] in LETTERS_AND_MARKS else " " for each in text)
    _, _, found = pycld2.detect(words, isPlainText=True, bestEffort=True, hintLanguage="ENGLISH")
    code = found[0][1].split("-")[0]
    return TextLanguage(code) if code in CODES else None


def is_foreign(text: str) -> bool:
    """Whether only its words for missing are read here. Welsh is read as fully as English."""
    return recognise(text) not in {None, WELSH}
