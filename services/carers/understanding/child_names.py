"""Tells the part of a named child in a clause: its subject, a witness, or the owner of a thing.

Finds the speaker's children in a text: by code, by first name, or as all of them.
"""

import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from string import ascii_lowercase
from typing import Literal, TypeAlias

from rapidfuzz.distance import OSA

from services.carers.understanding.languages.lexicon import (
    BESIDE_A_NOUN,
    CHILD,
    NO_NAMES,
    NUMBERS,
    OTHERS,
    PREPOSITIONS,
    WITHIN_A_VERB,
    load_patterns,
    load_words,
)
from services.carers.understanding.languages.plain_words import fold

ROLE_PATTERNS = load_patterns("roles")
NEGATIONS = frozenset({"neither", "nor", "none", "nobody", "not", "no"})


class Role(Enum):
    SUBJECT = auto()
    WITNESS = auto()
    OWNER = auto()
    WITHOUT = auto()


def find_role(words: list[str], at: int) -> Role:
    """The part of the name at index `at`."""
    before, after = " ".join(words[max(0, at - 3) : at]), " ".join(words[at + 1 : at + 9])
    if ROLE_PATTERNS["without"].search(before):
        return Role.WITHOUT
    if (
        ROLE_PATTERNS["told_or_near"].search(before)
        or (ROLE_PATTERNS["of_us"].search(f"{before} | {after}") and ROLE_PATTERNS["looking"].search(after))
        or ROLE_PATTERNS["heard_from"].match(after)
        or ROLE_PATTERNS["came_alone"].match(after)
        or (ROLE_PATTERNS["says"].match(after) and not ROLE_PATTERNS["plans"].match(after))
    ):
        return Role.WITNESS
    if words[at].endswith("s") and ROLE_PATTERNS["owned"].match(after):
        return Role.OWNER
    return Role.SUBJECT


def is_present(words: str, forms: Collection[str]) -> bool:
    """Whether the words say of the child whom they name that the child is there."""
    each = words.split()
    return any(
        word in forms and not NEGATIONS & set(each[:at]) and ROLE_PATTERNS["present"].match(" ".join(each[at + 1 :]))
        for at, word in enumerate(each)
    )


def tells_of_another(words: str) -> bool:
    """Whether the child named says that it has not seen somebody else."""
    return ROLE_PATTERNS["of_another"].search(words) is not None


CODE = re.compile(r"\bc0*[1-9]\d{0,3}\b")
NUMBER_OF_CODE = re.compile(r"^[a-z]?0*([1-9]\d{0,3})$")
MOST_NAMED = 50
"""Nobody names more children by code in a text. Each number is asked for in a hundred spellings, a stranger's too."""
SPOKEN_AS = ("see", "sea", "cee", "code", "child", "number", "no", "kid", "c")
PATTERNS = load_patterns("children")
COUNTED = {number: PATTERNS[NUMBERS[number - 1]] for number in (4, 5, 6, 7, 2, 3)}
WORDS = load_words("children")
JOINERS = WORDS["joiners"]
CORRECTING = WORDS["correcting"]
"""A clause of these words and names only corrects a name."""
ROAD = re.compile(r"\b(?:the|along|off) (c[1-9]\d{0,3})\b")
LETTERS_OF_A_NAME = 3
ORDINARY = NO_NAMES | OTHERS | WITHIN_A_VERB | CHILD | PREPOSITIONS | BESIDE_A_NOUN
LETTERS_TO_MISSPELL = 5
"""One wrong letter turns a shorter name into another one."""
Sex: TypeAlias = Literal["girl", "boy"]


@dataclass(frozen=True, slots=True)
class KnownChild:
    """A child as the grammar knows it. `names` serve recognition only, and are never sent or logged."""

    child: str
    code: str
    names: tuple[str, ...] = ()
    sex: Sex | None = None


@dataclass(frozen=True, slots=True)
class NamedChildren:
    children: tuple[str, ...] = ()
    somebody_else: bool = False
    """The text holds a code of none of these children, or speaks of somebody else's child."""
    together: bool = True
    """They stand in one list: the statement is about each of them."""
    count: int = 0
    """The number of children meant, where the text does not say which."""
    left_out: tuple[str, ...] = ()
    """The exceptions, as in "all but Linh" and "without Linh"."""
    beside: tuple[str, ...] = ()
    """Children mentioned in another part: who says or saw it, who was told, whose room it is."""
    owners: tuple[str, ...] = ()
    """Those of `beside` whose thing is mentioned."""
    alike: tuple[str, ...] = ()
    """Children of different authorities with the code in the text. One of them is meant, and nobody knows which."""


def find_named(words: str, children: Sequence[KnownChild]) -> NamedChildren:
    """`words` as `plain_words.normalise` gives them. Codes outweigh names, and names outweigh counts."""
    if (but_for := PATTERNS["but_for"].search(words)) is not None:
        left_out = find_named(but_for[1], children).children
        if left_out:
            return NamedChildren(
                tuple(each.child for each in children if each.child not in left_out), left_out=left_out
            )
    found, foreign, alike = _find_children(words, children)
    if found or foreign or alike:
        return replace(_sort_by_role(words, found, children), somebody_else=foreign, alike=alike)
    if PATTERNS["anothers"].search(words):
        return NamedChildren(somebody_else=True)
    return _find_counted(words, children)


def _sort_by_role(words: str, found: tuple[str, ...], children: Sequence[KnownChild]) -> NamedChildren:
    """Sorts the children found by the part that each has: one may be missing, and another have seen it."""
    each = words.split()
    standing = {
        child.child: [find_role(each, at) for at in _find_places(each, child)]
        for child in children
        if child.child in found
    }
    beside = tuple(
        child for child in found if (places := standing[child]) and not set(places) & {Role.SUBJECT, Role.WITHOUT}
    )
    owners = tuple(child for child in beside if Role.OWNER in standing[child])
    if tells_of_another(words):
        beside = found
    left_out = tuple(child for child in found if Role.WITHOUT in standing[child])
    subjects = tuple(child for child in found if child not in beside)
    mentions = _list_mentions([child for child in children if child.child in subjects])
    return NamedChildren(
        subjects, together=_are_together(words, mentions), left_out=left_out, beside=beside, owners=owners
    )


def _find_places(words: list[str], child: KnownChild) -> list[int]:
    forms = list_words(child) | {number_of(child.code)} - {""}
    return [at for at, word in enumerate(words) if word in forms]


def _find_children(words: str, children: Sequence[KnownChild]) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """The children named, whether the text holds an unknown code, and the children with a shared code."""
    codes = _group_by_code(children)
    said = [code for code in CODE.findall(words) if code in codes]
    foreign = any(code not in codes for code in CODE.findall(words))
    said += [code for code in codes if _compile_spoken(code).search(words)]
    said += _find_bare_numbers(words, codes)
    spoken = [each for code in said for each in codes[code] if len(codes[code]) == 1]
    alike = tuple(dict.fromkeys(each for code in said for each in codes[code] if len(codes[code]) > 1))
    named = [each.child for each in children if _list_own_names(each, children) & set(words.split())]
    if named and (roads := set(ROAD.findall(words))):
        spoken = [
            each for each in spoken if roads.isdisjoint(simplify_code(c.code) for c in children if c.child == each)
        ]
    if not foreign:
        spoken += named
    if not foreign and len(children) > 1:
        spoken += _find_misspelt(words, [each for each in children if each.child not in spoken], children)
    others = [each.child for each in children if each.child in spoken and not is_the_wrong_one(each, words)]
    meant = [each for each in spoken if each in others] if others else spoken
    return tuple(dict.fromkeys(meant)), foreign, alike


def _find_misspelt(words: str, left: Sequence[KnownChild], children: Sequence[KnownChild]) -> list[str]:
    """The children whose name some word of theirs misspells, beside those who are named. None where it may be either of
    two.
    """
    known = {word for each in children for word in list_words(each)}
    found: list[str] = []
    for word in dict.fromkeys(words.split()):
        if word in known:
            continue
        like = [each.child for each in left if _misspells(word, map(fold, each.names))]
        like = like or [each.child for each in left if _stands_for_one(words, word, each)]
        found += like if len(like) == 1 else []
    return found


def _stands_for_one(words: str, word: str, child: KnownChild) -> bool:
    """Whether a word that stands where a name does is the child's short name, misspelt."""
    if word in ORDINARY or len(word) < LETTERS_OF_A_NAME or not _is_in_place(words, word):
        return False
    return any(
        len(name) >= LETTERS_OF_A_NAME and word[0] == name[0] and OSA.distance(word, name, score_cutoff=1) <= 1
        for name in map(fold, child.names)
    )


def _is_in_place(words: str, word: str) -> bool:
    return any(word in found[1].split() for found in PATTERNS["names_in_place"].finditer(words))


def _find_bare_numbers(words: str, codes: Iterable[str]) -> list[str]:
    """Codes without their letter, as in "17 and 18 gone". Ages, times and house numbers stand in other places."""
    of_number = {number_of(code): code for code in codes}
    return [
        of_number[number]
        for found in PATTERNS["bare_numbers"].finditer(words)
        for number in ([] if _is_a_time(found[1], of_number) else re.findall(r"\d+", found[1]))
        if number in of_number
    ]


def _is_a_time(numbers: str, codes: Container[str]) -> bool:
    """Whether "23 15" was 23:15."""
    found = CLOCK.fullmatch(numbers)
    return found is not None and found[1] not in codes


CLOCK = re.compile(r"(?:[01]?\d|2[0-3]) ([0-5]\d)")


def _group_by_code(children: Sequence[KnownChild]) -> dict[str, list[str]]:
    """The children by code. Two authorities may each have a C17."""
    codes: dict[str, list[str]] = {}
    for each in children:
        codes.setdefault(simplify_code(each.code), []).append(each.child)
    return codes


def find_code_numbers(words: str) -> tuple[str, ...]:
    """The first numbers that may be a child's code, without leading noughts: "c17", "child 17", "see seventeen"."""
    written = [found[1] for word in words.split() if (found := NUMBER_OF_CODE.match(word))]
    return tuple(dict.fromkeys([*written, *_list_spoken_numbers(words)]))[:MOST_NAMED]


def _list_spoken_numbers(words: str) -> list[str]:
    return [str(NUMBERS.index(word) + 1) for word in words.split() if word in NUMBERS]


def is_the_wrong_one(child: KnownChild, words: str) -> bool:
    """Whether it is only named as the wrong one, as in "Omid, not Omar"."""
    forms = {simplify_code(child.code), *(form for name in child.names for form in _list_forms(name))}
    before = {before for before, word in pairwise(["", *words.split()]) if word in forms}
    return before == {"not"}


def _find_counted(words: str, children: Sequence[KnownChild]) -> NamedChildren:
    everyone = tuple(each.child for each in children)
    number = next((number for number, pattern in COUNTED.items() if pattern.search(words)), None)
    if PATTERNS["all"].search(words) or (number is not None and number == len(children)):
        return NamedChildren(everyone)
    return NamedChildren(count=number if number is not None and number < len(children) else 0)


def _are_together(words: str, mentions: set[str]) -> bool:
    """Whether they stand in one list, or a word such as "both" joins them."""
    each = words.split()
    places = [place for place, word in enumerate(each) if word in mentions]
    between = each[places[0] : places[-1]] if places else []
    return PATTERNS["together"].search(words) is not None or set(between) <= mentions | JOINERS


def _list_mentions(children: Sequence[KnownChild]) -> set[str]:
    return {fold(name) for each in children for name in (*each.names, simplify_code(each.code))}


def simplify_code(code: str) -> str:
    plain = fold(code).replace("-", "").replace(" ", "")
    letters = plain.rstrip("0123456789")
    return letters + plain[len(letters) :].lstrip("0")


def number_of(code: str) -> str:
    """What follows the letters of a code."""
    return simplify_code(code).lstrip(ascii_lowercase)


def _compile_spoken(code: str) -> re.Pattern[str]:
    """Matches a code as typed and as dictated: C17 becomes "see seventeen"."""
    number = number_of(code)
    spoken = [number] if number else []
    if number.isdigit() and int(number) <= len(NUMBERS):
        spoken.append(NUMBERS[int(number) - 1])
    announced = "|".join(f"{word} {each}" for word in SPOKEN_AS for each in spoken)
    return re.compile(rf"\b(?:{re.escape(code)}|{announced})\b" if announced else rf"\b{re.escape(code)}\b")


def _list_own_names(child: KnownChild, children: Sequence[KnownChild]) -> set[str]:
    """The names of this child alone."""
    others = {
        form for each in children if each.child != child.child for name in each.names for form in _list_forms(name)
    }
    return {form for name in child.names if name.strip() for form in _list_forms(name)} - others


def _list_forms(name: str) -> set[str]:
    """The name, and its form with an s: "Amara's gone" has lost its apostrophe."""
    return {fold(name), f"{fold(name)}s"}


def may_name_one(word: str, children: Sequence[KnownChild]) -> bool:
    """Whether the subject may be one of them: their name, also shortened or misspelt, or no word at all."""
    names = [form for each in children for name in each.names if name.strip() for form in fold(name).split()]
    return not word or not names or any(_sounds_like(word, name) for name in names)


def list_words(child: KnownChild) -> set[str]:
    """The words by which a text may call the child."""
    return {simplify_code(child.code)} | {form for name in child.names for form in _list_forms(name)}


def is_said_present(child: KnownChild, words: str) -> bool:
    """Whether the words say that the child is there: a report in them is about another."""
    wrong = {word for word in words.split() if any(_is_misspelt(word, fold(name)) for name in child.names)}
    return is_present(words, list_words(child) | wrong)


def find_answered(words: str, children: Sequence[KnownChild]) -> tuple[str, ...]:
    """The children meant by an answer to "which child?", where a bare number is enough: 17 is C17."""
    spoken = {*(word.lstrip("0") for word in words.split()), *_list_spoken_numbers(words)}
    numbered = [each for each in children if number_of(each.code) in spoken]
    by_code = _group_by_code(children)
    return tuple(each.child for each in numbered if len(by_code[simplify_code(each.code)]) == 1)


def find_correction(clauses: Sequence[str], children: Sequence[KnownChild]) -> tuple[str, str] | None:
    """The child named by mistake and the child meant, as in "sorry not Omar, Omid", if the text is explicit."""
    mentions = {word for each in children for word in list_words(each)}
    words = " ".join(each for each in clauses if set(each.split()) - mentions <= CORRECTING)
    wrong = [each.child for each in children if is_the_wrong_one(each, words)]
    right = [child for child in find_named(words, children).children if child not in wrong]
    return (wrong[0], right[0]) if len(wrong) == len(right) == 1 else None


def _misspells(words: str, names: Iterable[str]) -> bool:
    """Whether the words hold one of the names with one wrong letter, as in "yousuf"."""
    long = [each for each in words.split() if len(each) >= LETTERS_TO_MISSPELL and each not in NO_NAMES | OTHERS]
    return any(_is_misspelt(word, name) for name in names if len(name) >= LETTERS_TO_MISSPELL for word in long)


def _is_misspelt(word: str, name: str) -> bool:
    distance = min(OSA.distance(word, form, score_cutoff=1) for form in (name, f"{name}s"))
    return word[0] == name[0] and distance <= 1


def _sounds_like(word: str, name: str) -> bool:
    """Whether it is the name: shortened, misspelt, or with the s of "is"."""
    whole = word in {name, f"{name}s"}
    shortened = len(word) >= 2 and word.rstrip("sy") != "" and name.startswith(word.rstrip("sy")) and word[0] == name[0]
    misspelt = (
        len(name) >= 4
        and word[0] == name[0]
        and OSA.distance(word, name, score_cutoff=2) <= (1 if len(name) < 6 else 2)
    )
    return whole or shortened or misspelt
