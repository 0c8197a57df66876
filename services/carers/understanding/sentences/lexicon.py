"""Loads the patterns of English and Welsh, and those for reading clauses."""

from services.carers.understanding.languages import word_lists
from services.carers.understanding.languages.lexicon import load_each, load_patterns
from services.carers.understanding.meaning import Intent

LEXICONS = ("people", "english", "welsh", "clauses")
PATTERNS = load_patterns(*LEXICONS)
EACH = load_each(*LEXICONS)
BESIDES = {Intent.CONTACT: ("contact",), Intent.SEEN: ("seen",)}
REQUESTS = {Intent.STATUS: ("status",), Intent.ENQUIRY: ("asks_where", "asks_after"), Intent.HELP: ("help",)}
NOT_GONE_MISSING = (word_lists.SPEAKER | word_lists.ADULTS | word_lists.ANIMALS) - {"me", "us"}
