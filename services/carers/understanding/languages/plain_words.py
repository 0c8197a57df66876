"""Corrects misspelt key words and dialect: short words by a list, long ones by distance.

Makes typed words plain: without capitals, accents, apostrophes or emoji. Splits them into clauses.

Recognises the language of a text, for the person who reads it. Pure.
"""

import re
import unicodedata
from functools import lru_cache

import pycld2
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.carers.understanding.languages.lexicon import (
    NO_NAMES,
    WITHIN_A_VERB,
    load_patterns,
    load_words,
    read_lexicon,
)
from services.carers.understanding.meaning import Clause
from services.safeguarding.child_events.events import TextLanguage
from services.safeguarding.identifiers import CODE_ALPHABET

SPELLING_PATTERNS = load_patterns("spelling")
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
    said = SPELLING_PATTERNS["absent"].sub("is not at ", words)
    return (
        SPELLING_PATTERNS["fronted"]
        .sub("has not ", SPELLING_PATTERNS["denied"].sub(r"\g<before> not \g<verb>", said))
        .replace("  ", " ")
    )


PATTERNS = load_patterns("splitting")
STROKES = str.maketrans("\u0142\u0111\u00f8\u0131", "ldoi")
"""Letters whose stroke is no accent in Unicode."""
SIGNS = {ord("\U0001f44d"): " ok ", ord("\U0001f44c"): " ok ", ord("\u2705"): " ok ", ord("\U0001f64f"): " thanks "}
"""A thumb, a hand, a tick and folded hands."""
APOSTROPHES = re.compile("['`\u2018\u2019\u00b4\u02bc]")
IN_BRACKETS = re.compile(r"\(([^()]{1,14})\)")
"""Such as "Sue (staff)": no clause of its own."""
OF_OURS = re.compile(
    rf"(?<!\w)(?=\w*[a-z])(?=\w*\d)(?!c\d|\d+(?:am|pm|th|st|nd|rd|hrs?|mins?)\b)(?:[{CODE_ALPHABET.lower()}]{{4,5}})(?!\w)(?: *[,\-:]+ )?"
)
"""The code of a telling says nothing about a child."""
LIKE_A_CHILD_S, STAND_IN = re.compile(r"C\d{4}"), "4XXXX"
CODES_IN_A_LIST = re.compile(r"\b(c\d+), (?=c\d+\b)")
GLUED = re.compile(r"\b(back)(?=(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{4}\b)", re.IGNORECASE)
NOT_WORDS = re.compile(r"[^\w]+")
SPACED_CODE = re.compile(r"\bc[\s\-.:#/]{0,2}[0o]*([1-9]\d{0,3})\b")


def is_like_a_childs(telling: str) -> bool:
    """Of one code in some 1,700, such as C3475."""
    return LIKE_A_CHILD_S.fullmatch(telling) is not None


def hide_code(text: str, telling: str) -> str:
    """Puts one in its place that is like no child's. Without a code, the text as it is."""
    if not telling:
        return text
    return re.sub(rf"\b{telling}\b", STAND_IN, text, flags=re.IGNORECASE)


def split_after_back(text: str) -> str:
    """Parts "backk4nc", in which the space before a code was missed."""
    return GLUED.sub(r"\1 ", text)


def fold(text: str) -> str:
    """Lower case without accents. Letters of other scripts stay."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(STROKES))
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not unicodedata.combining(each)))


def normalise(text: str) -> str:
    """The words as typed, single-spaced, in which names are looked for. A child's code is one word, `c17`."""
    signs = text.translate(SIGNS) if not text.isascii() else text
    joined = SPACED_CODE.sub(r"c\1", APOSTROPHES.sub("", fold(signs)).replace("&", " and "))
    return " ".join(NOT_WORDS.sub(" ", joined).split())


def simplify(text: str) -> str:
    """Like `normalise`, with safe corrections of misspelt words, and short forms written out."""
    return translate_dialect(" ".join(correct_word(word) for word in normalise(text).split()))


def split_clauses(text: str) -> list[Clause]:
    """In order, without empty ones."""
    joined = _join_exception(SPACED_CODE.sub(r"c\1", APOSTROPHES.sub("", fold(text))))
    joined = OF_OURS.sub(" ", IN_BRACKETS.sub(r" \1 ", joined))
    parts = [*PATTERNS["ends_of_clause"].split(_join_list(joined)), ""]
    found: list[Clause] = []
    for part, mark in zip(parts[::2], parts[1::2], strict=True):
        each = [words for words in map(normalise, _split_by_child(part)) if words]
        found.extend(
            Clause(words, simplify(words), "?" in mark and words is each[-1], len(found) + at)
            for at, words in enumerate(each)
        )
    return found


def _join_list(words: str) -> str:
    """Keeps "Omar, Linh missing" one clause."""
    words = CODES_IN_A_LIST.sub(r"\1 and ", words)
    return PATTERNS["in_a_list"].sub(
        lambda found: found[0] if found[1] in NO_NAMES | WITHIN_A_VERB else f"{found[1]} and ", words
    )


def _join_exception(words: str) -> str:
    """Keeps "everyone but Linh" one clause. "All back but Linh is missing" is two: a new statement begins."""
    words = PATTERNS["who_is"].sub(r". \1 ", words)
    found = PATTERNS["everybody_but"].search(words)
    if found is None or (found[2] and PATTERNS["not_everybody_but"].match(words, found.end() - 4)):
        return words
    return f"{words[: found.end() - 3]}except{words[found.end() :]}"


def _split_by_child(part: str) -> list[str]:
    """Splits "c17 gone c18 is here", which has no comma."""
    if (numbers := PATTERNS["two_numbers"].match(part)) is not None:
        return [numbers[1], numbers[2]]
    place = PATTERNS["another_child"].search(part, pos=1)
    if place is None or not PATTERNS["code_before"].search(part[: place.start()]):
        return [part]
    return [part[: place.start()], *_split_by_child(part[place.end() :])]


def quotes_somebody(text: str) -> bool:
    """Whether it quotes somebody word for word."""
    return PATTERNS["quoted"].search(text.casefold()) is not None


def in_another_script(text: str) -> bool:
    """Whether most of its letters are not Latin."""
    letters = [each for each in text if each.isalpha()]
    foreign = [each for each in letters if not unicodedata.name(each, "").startswith("LATIN")]
    return len(foreign) * 2 > len(letters)


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
