"""Plain words out of typed ones: no capitals, accents, apostrophes or emoji; clauses end where the writer ended them."""

import re
import unicodedata

from services.carers.understanding.spelling import corrected

STROKES = str.maketrans("\u0142\u0111\u00f8\u0131", "ldoi")
"""Letters whose stroke is no accent to Unicode."""
APOSTROPHES = re.compile("['`\u2018\u2019\u00b4\u02bc]")
ENDS_OF_CLAUSE = re.compile(r"[.!?;,:\n\r()]+|\s[-\u2013\u2014]+\s|\b(?:but|although|however|whereas|ond)\b")
ANOTHER_CHILD = re.compile(
    r"(?<=\w)(?<!\band)(?<!\bor)(?<!\bplus)(?<!\bwith)(?<!\bnot)(?<!\bboth)(?<!\bnear)\s+(?=c\d+ )"
)
CODE_BEFORE = re.compile(r"\bc\d+ +(?!c\d)\w")
NOT_WORDS = re.compile(r"[^\w]+")
SPACED_CODE = re.compile(r"\bc[\s\-.:#/]{0,2}0*([1-9]\d{0,3})\b")


def folded(text: str) -> str:
    """Lower case without accents. Letters of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(STROKES))
    return unicodedata.normalize("NFC", "".join(each for each in decomposed if not unicodedata.combining(each)))


def typed(text: str) -> str:
    """The words as typed, one space between: where a name may stand. A child's code is one word, `c17`."""
    joined = SPACED_CODE.sub(r"c\1", APOSTROPHES.sub("", folded(text)))
    return " ".join(NOT_WORDS.sub(" ", joined).split())


def plain(text: str) -> str:
    """The same with misspelt words put right where that is safe, and with short forms written out."""
    return " ".join(corrected(word) for word in typed(text).split())


def clauses(text: str) -> list[str]:
    """As typed, in the order written, those without a word left out."""
    joined = SPACED_CODE.sub(r"c\1", APOSTROPHES.sub("", folded(text)))
    parts = [each for part in ENDS_OF_CLAUSE.split(joined) for each in _a_child_each(part)]
    return [part for part in parts if typed(part)]


def _a_child_each(part: str) -> list[str]:
    """Without a comma too: "c17 gone c18 is here" says two things."""
    place = ANOTHER_CHILD.search(part, pos=1)
    if place is None or not CODE_BEFORE.search(part[: place.start()]):
        return [part]
    return [part[: place.start()], *_a_child_each(part[place.end() :])]


def in_another_script(text: str) -> bool:
    """Whether most of its letters are not Latin ones, nor borrowed as Welsh and Polish do."""
    letters = [each for each in text if each.isalpha()]
    foreign = [each for each in letters if not unicodedata.name(each, "").startswith("LATIN")]
    return len(foreign) * 2 > len(letters)
