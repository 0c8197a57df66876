"""Masks everybody but the person who asked: names and numbers in what was written, ids everywhere."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

IDS = re.compile(r"\b((?:person|account|child|provisional)-[0-9a-f-]{36}|number-[0-9a-f]{64})\b")
LETTERS = re.compile(r"[^\W\d_]+")
ADDRESS = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+\.\w+")
DIGITS = 9
"""Of a telephone number at least: a day has eight."""
SHORT = 2
"""Letters: such a name is masked only where it is written with a capital, since it may be a word."""


@dataclass(frozen=True, slots=True)
class Person:
    """As the register names somebody: `names` of any kind, `ways` their numbers and addresses."""

    id: str
    role: str | None
    names: Sequence[str] = ()
    ways: Sequence[str] = ()


@dataclass
class Mask:
    """`own`: what stays, of the person who asked. Each other person keeps one label, such as `carer 2`."""

    own: Sequence[Person]
    others: Iterable[Person]
    _labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._own_ids = {each.id for each in self.own}
        self._own_ways = {way.casefold() for each in self.own for way in each.ways}
        self._roles = {each.id: each.role or "person" for each in self.others}
        self._names = _parts(self.others) - _parts(self.own)

    def mask_text(self, text: str) -> str:
        """What somebody wrote. A name that the register does not know stays."""
        parts = IDS.split(text)
        parts[::2] = map(self._mask_words, parts[::2])
        return self.mask_ids("".join(parts))

    def _mask_words(self, text: str) -> str:
        matches = PhoneNumberMatcher(text, "GB", leniency=Leniency.POSSIBLE, max_tries=1000)
        for found in reversed(list(matches)):
            is_number = sum(map(str.isdigit, found.raw_string)) >= DIGITS
            if is_number and format_number(found.number, PhoneNumberFormat.E164) not in self._own_ways:
                text = f"{text[: found.start]}[number]{text[found.end :]}"
        text = ADDRESS.sub(lambda each: each[0] if each[0].casefold() in self._own_ways else "[address]", text)
        return LETTERS.sub(self._mask_name, text)

    def mask_ids(self, text: str) -> str:
        return IDS.sub(lambda each: each[0] if each[0] in self._own_ids else f"[{self._label_of(each[0])}]", text)

    def mask_value(self, value: Any) -> Any:
        """Ids in JSON of the system's own, which holds no name."""
        if isinstance(value, dict):
            return {name: self.mask_value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.mask_value(each) for each in value]
        return self.mask_ids(value) if isinstance(value, str) else value

    def _mask_name(self, word: re.Match[str]) -> str:
        is_name = word[0].casefold() in self._names and (len(word[0]) > SHORT or word[0][0].isupper())
        return "[name]" if is_name else word[0]

    def _label_of(self, id_: str) -> str:
        role = self._roles.get(id_) or id_.partition("-")[0]
        if id_ not in self._labels:
            self._labels[id_] = f"{role} {sum(each.startswith(f'{role} ') for each in self._labels.values()) + 1}"
        return self._labels[id_]


def _parts(people: Iterable[Person]) -> set[str]:
    return {
        part.casefold() for each in people for name in each.names for part in LETTERS.findall(name) if len(part) > 1
    }
