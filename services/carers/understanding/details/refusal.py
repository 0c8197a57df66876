"""Recognises a refusal by somebody on duty. The next person must then be told, whatever code the text holds."""

from services.carers.understanding.languages import plain_words
from services.carers.understanding.languages.lexicon import load_patterns

PATTERNS = load_patterns("replies")


def declines(words: str) -> bool:
    """`words` as `plain_words.normalise` gives them."""
    return PATTERNS["declines"].search(plain_words.simplify(words)) is not None
