"""Recognises names that are shortened or misspelt."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA

from services.carers.understanding.languages.word_lists import NO_NAMES, OTHERS

LETTERS_TO_MISSPELL = 5
"""One wrong letter turns a shorter name into another one."""


def misspells(words: str, names: Iterable[str]) -> bool:
    """Whether the words hold one of the names with one wrong letter, as in "yousuf"."""
    long = [each for each in words.split() if len(each) >= LETTERS_TO_MISSPELL and each not in NO_NAMES | OTHERS]
    return any(_is_misspelt(word, name) for name in names if len(name) >= LETTERS_TO_MISSPELL for word in long)


def _is_misspelt(word: str, name: str) -> bool:
    distance = min(OSA.distance(word, form, score_cutoff=1) for form in (name, f"{name}s"))
    return word[0] == name[0] and distance <= 1


def sounds_like(word: str, name: str) -> bool:
    """Whether it is the name: shortened, misspelt, or with the s of "is"."""
    whole = word in {name, f"{name}s"}
    shortened = len(word) >= 2 and word.rstrip("sy") != "" and name.startswith(word.rstrip("sy")) and word[0] == name[0]
    misspelt = (
        len(name) >= 4
        and word[0] == name[0]
        and OSA.distance(word, name, score_cutoff=2) <= (1 if len(name) < 6 else 2)
    )
    return whole or shortened or misspelt
