"""Loads the words and patterns of `lexicons/*.yaml`. Patterns are over plain words (`plain_words.simplify`).

In a pattern, `{name}` stands for the part of that name, or for any word of the list of that name.

Names the people and things of texts beside the child (`lexicons/people.yaml`).
"""

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("lexicons")
PART = re.compile(r"\{([a-z_]+)\}")


@cache
def read_lexicon(name: str) -> dict[str, Any]:
    """Read when a module is loaded, and never while a text is understood. Callers must not change it."""
    content: dict[str, Any] = yaml.load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def load_words(name: str) -> dict[str, frozenset[str]]:
    return {key: frozenset(words.split()) for key, words in read_lexicon(name)["words"].items()}


def load_patterns(*names: str) -> dict[str, re.Pattern[str]]:
    """One pattern for each key, of its alternatives in all of these lexicons."""
    return {key: re.compile("|".join(each)) for key, each in _join(names, "patterns").items()}


def load_each(*names: str) -> dict[str, tuple[re.Pattern[str], ...]]:
    """The patterns of each key one by one, since their matches may overlap or mark a place by the group `at`."""
    return {key: tuple(map(re.compile, each)) for key, each in _join(names, "each").items()}


def _join(names: tuple[str, ...], section: str) -> dict[str, list[str]]:
    contents = [read_lexicon(name) for name in names]
    parts: dict[str, str] = {}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for content in contents:
        parts |= {key: "|".join(sorted(words.split())) for key, words in content.get("words", {}).items()}
        parts |= content.get("parts", {})
        for key, alternatives in content.get(section, {}).items():
            found[key].extend(_fill(each, parts) for each in alternatives)
    return found


def _fill(pattern: str, parts: dict[str, str]) -> str:
    return PART.sub(lambda part: _fill(parts[part[1]], parts), pattern)


WORDS = load_words("people")
CHILD = WORDS["child"]
SPEAKER = WORDS["speaker"]
ADULTS = WORDS["adults"]
ANIMALS = WORDS["animals"]
KIN = WORDS["kin"]
VEHICLES = WORDS["vehicles"]
THINGS = WORDS["things"]
OTHERS = SPEAKER | ADULTS | ANIMALS | KIN | VEHICLES | THINGS
WITHIN_A_VERB = WORDS["within_a_verb"]
NO_NAMES = WORDS["no_names"]
PREPOSITIONS = WORDS["prepositions"]
BESIDE_A_NOUN = WORDS["beside_a_noun"]
NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
