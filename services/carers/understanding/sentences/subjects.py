"""Finds the subject of a statement: the child, somebody or something else, or a name.

A subject in none of the word lists is the child, since these texts are about children.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from services.carers.understanding.languages import word_lists


class Kind(Enum):
    CHILD = auto()
    OTHER = auto()
    NAME = auto()
    """A word that may be the child's name, or anybody's. The caller, who knows the names, decides."""
    NONE = auto()
    """Left out, as in "back now"."""


@dataclass(frozen=True, slots=True)
class Subject:
    kind: Kind
    word: str = ""


NOBODY = Subject(Kind.NONE)
A_CODE = re.compile(r"c\d+|\d{1,4}")


def find_subject(plain: str, place: int) -> Subject:
    """The subject of the statement at `place`."""
    words = plain[:place].split()
    verb: list[str] = []
    while words and words[-1] in word_lists.WITHIN_A_VERB:
        verb.insert(0, words.pop())
    following = plain[place:].split()[1:4]
    if _brings_what_follows(verb, following):
        return Subject(Kind.OTHER if word_lists.OTHERS.intersection(following) else Kind.CHILD)
    return _find_nearest(words, adjacent=True)


def is_a_thing(plain: str, place: int) -> bool:
    """Whether the word before the verb is a thing, as in "her phone is missing"."""
    words = plain[:place].split()
    while words and words[-1] in word_lists.WITHIN_A_VERB:
        words.pop()
    things = word_lists.THINGS | word_lists.VEHICLES
    return bool(words) and words[-1] not in {"it", "its", "this", "report", "note"} and words[-1] in things


def _brings_what_follows(verb: list[str], following: list[str]) -> bool:
    """Whether the subject follows, as in "police brought back her phone"."""
    if not verb or verb[-1] not in word_lists.WORDS["bringing"]:
        return False
    if verb[-1] == "returned" or following[:1] == ["by"]:
        return False
    return not word_lists.WORDS["passive"].intersection(verb[-3:-1])


def _find_nearest(words: list[str], *, adjacent: bool) -> Subject:
    """`adjacent`: the last word stands right before the verb, where an unknown word may be a name."""
    while words:
        word = words[-1]
        if (before := _strip_phrase(words)) is not None:
            words, adjacent = before, False
            continue
        if word in word_lists.CHILD or A_CODE.fullmatch(word):
            described = _find_described(words)
            return Subject(Kind.OTHER, described) if described else Subject(Kind.CHILD, word)
        if _is_another(word):
            return _find_joined(words) or Subject(Kind.OTHER, word)
        if adjacent and _may_be_a_name(words):
            return Subject(Kind.NAME, word)
        words, adjacent = words[:-1], False
    return NOBODY


def _find_described(words: list[str]) -> str:
    """The thing that a clause about the child describes: the coat of "the coat she had on"."""
    if "other" in words[-3:-1]:
        return "other"
    if words[-3:-1] == ["rest", "of"] or words[-3:-1] == ["rest", "o"]:
        return "rest"
    if len(words) > 3 and words[-4] in {"its", "is", "am"} and words[-2] not in word_lists.THINGS:
        return ""
    before = [word for word in words[-4:-1] if word not in {"that", "which", "who", "whom"}]
    if words[-1] not in {"he", "she", "they"} or len(before) < 2 or before[-1] not in word_lists.OTHERS:
        return ""
    return before[-1] if before[-2] in word_lists.BESIDE_A_NOUN else ""


def _is_another(word: str) -> bool:
    """Whether it is in a list, also with a lost apostrophe: "hubbys back"."""
    return word in word_lists.OTHERS or (len(word) > 3 and word.endswith("s") and word[:-1] in word_lists.OTHERS)


def _may_be_a_name(words: list[str]) -> bool:
    if words[-1] in word_lists.NO_NAMES or words[-1] in word_lists.PREPOSITIONS or words[-1].isdigit():
        return False
    return not any(word in word_lists.CHILD and word not in word_lists.BESIDE_A_NOUN for word in words[:-1])


def _strip_phrase(words: list[str]) -> list[str] | None:
    """The words before a phrase such as "from the park" or "got the bus". None where they end with no such phrase."""
    if words[-1] in word_lists.CHILD and words[-1] not in {"her", "him", "them"}:
        return None
    place = len(words) - 2
    while place >= 0 and len(words) - place < 5:
        word = words[place]
        boarded = words[-1] in word_lists.VEHICLES and word in word_lists.WORDS["boarded"]
        set_phrase = (word == "thank" and words[-1] in word_lists.SPEAKER) or (word == "made" and words[-1] == "it")
        if word in word_lists.PREPOSITIONS or boarded or set_phrase:
            return words[:place]
        if word not in word_lists.BESIDE_A_NOUN:
            return None
        place -= 1
    return None


def _find_joined(words: list[str]) -> Subject | None:
    """The child in "Amara and I" and "she and her brother"."""
    beginning = words[:-1]
    while beginning and beginning[-1] in word_lists.BESIDE_A_NOUN:
        beginning = beginning[:-1]
    if len(beginning) < 2 or beginning[-1] not in {"and", "n", "plus"}:
        return None
    other = beginning[-2]
    if _strip_phrase(beginning[:-1]) is not None:
        return None
    if other in word_lists.CHILD:
        return Subject(Kind.CHILD, other)
    if other in word_lists.OTHERS or other in word_lists.NO_NAMES or other in word_lists.WITHIN_A_VERB:
        return None
    return Subject(Kind.NAME, other)
