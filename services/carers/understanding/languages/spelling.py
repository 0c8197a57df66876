"""Corrects misspelt key words and dialect: short words by a list, long ones by distance."""

from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.carers.understanding.languages.lexicon import load_patterns, load_words, read_lexicon

PATTERNS = load_patterns("spelling")
MEANT = {form: meant for meant, forms in read_lexicon("spelling")["meant"].items() for form in forms.split()}
LONG = read_lexicon("spelling")["words"]["long"].split()
WORDS_OF_THEIR_OWN = load_words("spelling")["words_of_their_own"]
LETTERS_FOR_ONE_ERROR = 5
LETTERS_FOR_TWO_ERRORS = 7


def correct_word(word: str) -> str:
    return MEANT.get(word) or _find_nearest(word)


@lru_cache(maxsize=4096)
def _find_nearest(word: str) -> str:
    if len(word) < LETTERS_FOR_ONE_ERROR or word in WORDS_OF_THEIR_OWN or word in LONG:
        return word
    errors = 2 if len(word) >= LETTERS_FOR_TWO_ERRORS or sorted(word) in _SORTED else 1
    found = process.extractOne(word, LONG, scorer=OSA.distance, score_cutoff=errors)
    if found is None or word[0] not in found[0][:2] or len(found[0]) < len(word) - 1:
        return word
    return str(found[0])


_SORTED = [sorted(each) for each in LONG]


def translate_dialect(words: str) -> str:
    if "no" not in (each := words.split()) and "int" not in each:
        return words
    said = PATTERNS["absent"].sub("is not at ", words)
    return (
        PATTERNS["fronted"].sub("has not ", PATTERNS["denied"].sub(r"\g<before> not \g<verb>", said)).replace("  ", " ")
    )
