"""Which of the speaker's children a text names: by code, by first name, or as all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.carers.understanding.writing import folded

CODE = re.compile(r"\bc0*[1-9]\d{0,3}\b")
NUMBER_OF_CODE = re.compile(r"^[a-z]?0*([1-9]\d{0,3})$")
SPOKEN_AS = ("see", "sea", "cee", "code", "child", "number", "no", "kid", "c")
NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
COUNTED = (
    (
        2,
        re.compile(
            r"\b(?:both|the twins|(?:two|2) of (?:them|the)|neither|(?:two|2) (?:kids|boys|girls|children)|siblings|brothers|sisters)\b"
        ),
    ),
    (3, re.compile(r"\b(?:all (?:three|3)|(?:three|3) of (?:them|the)|(?:three|3) (?:kids|boys|girls|children))\b")),
)
ALL = re.compile(
    r"\b(?:all of (?:them|the)|have all|are all|all (?:gone|missing|back|home|safe|run)|everyone|every one|all (?:the |my )?(?:kids|children|boys|girls))\b"
)
JOINERS = frozenset({"and", "plus", "n", "with", "also", "both"})
TOGETHER = re.compile(r"\b(?:both|too|also|as well|together|all)\b")
ANOTHERS = re.compile(
    r"\b(?:(?:my own|neighbours?|next doors?|some(?:one|body) elses|my friends|birth) (?:\w+ )?(?:child|kid|boy|girl|son|daughter|lad|one)"
    r"|my (?:grandson|granddaughter|nephew|niece))\b"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A child as the speaker may call it. `names` serve to recognise only: they go into nothing that is sent or logged."""

    child: str
    code: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    children: tuple[str, ...] = ()
    somebody_else: bool = False
    """A code that is none of the speaker's children's, or a child of somebody else's."""
    together: bool = True
    """Joined by "and" or the like: the same is said of each of them."""
    several: bool = False
    """More than one is meant, without saying which."""
    alike: tuple[str, ...] = ()
    """Named by a code that several have, of different authorities: one of these, and none of them for certain."""


def named(words: str, children: Sequence[Known]) -> Named:
    """`words` as `writing.typed` gives them. Codes outweigh names, names outweigh counts."""
    codes = _by_code(children)
    said = [code for code in CODE.findall(words) if code in codes]
    foreign = any(code not in codes for code in CODE.findall(words))
    said += [code for code in codes if _spoken(code).search(words)]
    found = [each for code in said for each in codes[code] if len(codes[code]) == 1]
    alike = tuple(dict.fromkeys(each for code in said for each in codes[code] if len(codes[code]) > 1))
    if not said and not foreign:
        found = [each.child for each in children if _names(each, children) & set(words.split())]
    if found or foreign or alike:
        together = _together(words, _mentions(children))
        return Named(tuple(dict.fromkeys(found)), foreign, together=together, alike=alike)
    if ANOTHERS.search(words):
        return Named(somebody_else=True)
    return _counted(words, children)


def _by_code(children: Sequence[Known]) -> dict[str, list[str]]:
    """Two authorities may each have a C17."""
    codes: dict[str, list[str]] = {}
    for each in children:
        codes.setdefault(plain_code(each.code), []).append(each.child)
    return codes


def numbers(words: str) -> tuple[str, ...]:
    """What may be the number of a child's code, without leading noughts: the 17 of c17, of "child 17" and of "see seventeen"."""
    written = [found[1] for word in words.split() if (found := NUMBER_OF_CODE.match(word))]
    return tuple(
        dict.fromkeys([*written, *(str(NUMBERS.index(word) + 1) for word in words.split() if word in NUMBERS)])
    )


def _counted(words: str, children: Sequence[Known]) -> Named:
    everyone = tuple(each.child for each in children)
    number = next((number for number, pattern in COUNTED if pattern.search(words)), None)
    if ALL.search(words) or (number is not None and number == len(children)):
        return Named(everyone)
    return Named(several=number is not None and number < len(children))


def _together(words: str, mentions: set[str]) -> bool:
    """Whether those named stand in one list, or the words say that they mean each of them."""
    each = words.split()
    places = [place for place, word in enumerate(each) if word in mentions]
    between = each[places[0] : places[-1]] if places else []
    return TOGETHER.search(words) is not None or set(between) <= mentions | JOINERS


def _mentions(children: Sequence[Known]) -> set[str]:
    return {folded(name) for each in children for name in (*each.names, plain_code(each.code))}


def plain_code(code: str) -> str:
    plain = folded(code).replace("-", "").replace(" ", "")
    letters = plain.rstrip("0123456789")
    return letters + plain[len(letters) :].lstrip("0")


def _spoken(code: str) -> re.Pattern[str]:
    """Voice-to-text writes C17 as "see seventeen"."""
    number = code.lstrip("abcdefghijklmnopqrstuvwxyz")
    spoken = [number] if number else []
    if number.isdigit() and int(number) <= len(NUMBERS):
        spoken.append(NUMBERS[int(number) - 1])
    announced = "|".join(f"{word} {each}" for word in SPOKEN_AS for each in spoken)
    return re.compile(rf"\b(?:{re.escape(code)}|{announced})\b" if announced else rf"\b{re.escape(code)}\b")


def _names(child: Known, children: Sequence[Known]) -> set[str]:
    """Those that no other child of the speaker's has as well."""
    others = {form for each in children if each.child != child.child for name in each.names for form in _forms(name)}
    return {form for name in child.names if name.strip() for form in _forms(name)} - others


def _forms(name: str) -> set[str]:
    """Amara, and the Amaras of "Amara's gone", whose apostrophe is not typed or is gone by now."""
    return {folded(name), f"{folded(name)}s"}


def words_for(child: Known) -> set[str]:
    """The words by which a text may call the child."""
    return {plain_code(child.code)} | {form for name in child.names for form in _forms(name)}


def answered(words: str, children: Sequence[Known]) -> tuple[str, ...]:
    """As the answer to "which child?" a bare number is enough: 17 is C17."""
    spoken = {word.lstrip("0") for word in words.split()}
    spoken |= {str(NUMBERS.index(word) + 1) for word in words.split() if word in NUMBERS}
    numbered = [each for each in children if plain_code(each.code).lstrip("abcdefghijklmnopqrstuvwxyz") in spoken]
    return tuple(each.child for each in numbered if len(_by_code(children)[plain_code(each.code)]) == 1)
