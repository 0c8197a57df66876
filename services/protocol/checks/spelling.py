"""Describes a fault that `check` has found.

Finds words that the grammar does not know, each with its line and the nearest known word.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from services.protocol.law.law import Source, Value, Values, names_in, wrong_rows
from services.protocol.loader import LADDERS, RulesFile
from services.protocol.policy.rule_language.grammar import MassReport, Rule, StandDown, Step
from services.protocol.policy.rule_language.vocabulary import Condition, DateOf, Question, Trigger
from services.safeguarding.roles import Channel, Deed, Role, Wording


@dataclass(frozen=True)
class Finding:
    """One fault: its place, its nature, and a correction if there is one."""

    file: Path | None
    line: int | None
    rule: str | None
    says: str
    instead: str | None = None
    unreadable: bool = False
    """The file cannot be checked further until this is put right."""

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file.name}:{self.line or 1}: "
        rule = "" if self.rule is None else f"{self.rule}: "
        return f"{place}{rule}{self.says}" + ("" if self.instead is None else f"; write {self.instead}")


OF_A_FILE = (
    "protocol", "version", "authority", "adopted", "sources", "values", "closing", "watch-on", "stand-down", "mass-report",
    "approved", "rules",
)  # fmt: skip
OF_AN_APPROVAL = {"by", "reasons"}
OF_AN_ADOPTION = ({"by"}, {"by", "from"})
AUTHORITY = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
PART = re.compile(r"^[a-z_-]+$|^[0-9]+$")
"""Parts of a fault's place, without the names of classes and kinds that pydantic inserts."""
KNOWN: Mapping[str, type[StrEnum]] = {
    "on": Trigger,
    "until": Trigger,
    "tell": Role,
    "by": Channel,
    "message": Wording,
    "deed": Deed,
    "any": Question,
    "all": Question,
    "none": Question,
    "question": Question,
    "date": DateOf,
}


def unknown_words(file: RulesFile, values: Values) -> Iterator[Finding]:
    """`values` are the law's numbers that its rules may name."""
    yield from _outside_the_rules(file)
    for written in file.rules:
        unknown = [name for name in names_in(written) if not values.versions(name)]
        for name in unknown:
            near = _nearest(name, dict.fromkeys(each.id for each in values.all))
            yield _of_whole_rule(file, written, f"there is no value {name}", near)
        if not unknown:
            yield from dict.fromkeys(_in_a_rule(file, written, values))


def _in_a_rule(file: RulesFile, written: dict[str, Any], values: Values) -> Iterator[Finding]:
    try:
        for reading in values.every_reading(written):
            Rule.model_validate({**reading, "protocol": file.protocol})
    except ValidationError as error:
        yield from _of_a_rule(file, written, error)
    except ValueError as error:
        yield _of_whole_rule(file, written, str(error), None)


def _outside_the_rules(file: RulesFile) -> Iterator[Finding]:
    for _, word in (place for place in file.places if place[0] == ""):
        if word not in OF_A_FILE:
            yield _finding(file, "", word, f"{word} is no word of a protocol file", _nearest(word, OF_A_FILE))
    if AUTHORITY.match(file.authority) is None:
        says = f"authority: {file.authority} is no authority's id"
        yield _finding(file, "", "authority", says, "small letters, digits and hyphens, as in the register")
    if not file.version:
        yield Finding(file.path, 1, None, "the file has no version", "version: 2026.1", unreadable=True)
    lists: tuple[tuple[str, object, type[StrEnum]], ...] = (
        ("closing", file.closing, Condition),
        ("watch-on", file.watch_on, Trigger),
    )
    for key, words, known in lists:
        for word in map(str, words if isinstance(words, list) else [words]):
            if word not in list(known):
                yield _finding(file, "", key, f"{key}: {word} is not known", _nearest(word, known))
    if file.stand_down and not _fits(StandDown, file.stand_down):
        says, instead = "stand-down says how a text ends a search", "stand-down: { by-text: code }, or word"
        yield _finding(file, "", "stand-down", says, instead)
    if file.mass_report is not None and not _fits(MassReport, file.mass_report):
        says, instead = (
            "a mass report is of how many children within how long",
            "mass-report: { children: 5, within: 30m }",
        )
        yield _finding(file, "", "mass-report", says, instead)
    yield from _in_its_head(file)


def _in_its_head(file: RulesFile) -> Iterator[Finding]:
    """Who stands behind the file, and what it adds to the law."""
    for word, wrong in (("sources", wrong_rows(Source, file.sources)), ("values", wrong_rows(Value, file.values))):
        for says in wrong:
            yield _finding(file, "", word, says, None)
    if file.adopted is not None and not _says_who_adopted_it(file):
        says, instead = "an adoption names who, and may say from which day", "adopted: { by: ..., from: 2026-12-01 }"
        yield _finding(file, "", "adopted", says, instead)
    if file.approved is not None and not (isinstance(file.approved, dict) and set(file.approved) == OF_AN_APPROVAL):
        yield _finding(file, "", "approved", "an approval names who and why", "approved: { by: ..., reasons: ... }")


def _fits(words: type[BaseModel], written: object) -> bool:
    try:
        words.model_validate(written)
    except ValidationError:
        return False
    return True


def _says_who_adopted_it(file: RulesFile) -> bool:
    if not isinstance(file.adopted, dict) or set(file.adopted) not in OF_AN_ADOPTION or not file.adopted["by"]:
        return False
    try:
        return file.since is not None or "from" not in file.adopted
    except ValueError:
        return False


def _of_a_rule(file: RulesFile, written: dict[str, Any], error: ValidationError) -> Iterator[Finding]:
    name = str(written.get("id", "without an id"))
    told: set[str] = set()
    for fault in error.errors(include_url=False, include_context=False):
        path = [str(part) for part in fault["loc"] if PART.match(str(part))]
        where = ".".join(path) or "rule"
        if "on" in path and isinstance(fault["input"], str) and "on" in told:
            continue
        told.add(path[0] if path else "rule")
        says, instead = f"{where}: {fault['msg']}", None
        if fault["type"] == "enum" or (path and path[0] == "on" and isinstance(fault["input"], str)):
            says, instead = f"{where}: {fault['input']} is not known", _known_near(path, str(fault["input"]))
        elif path == ["otherwise"] and isinstance(fault["input"], str):
            says, instead = f"there is no ladder {fault['input']}", _nearest(fault["input"], LADDERS)
        elif fault["type"] == "extra_forbidden":
            says, instead = f"{where}: is no word of a rule", _nearest(path[-1], _words_of(path))
        elif fault["type"] == "missing":
            says = f"{where} is missing"
        yield _finding(file, name, path[0] if path else "id", says, instead, name)


def _words_of(path: list[str]) -> list[str]:
    fields = (Step if path[0] == "otherwise" else Rule).model_fields
    return [field.alias or name for name, field in fields.items()]


def _known_near(path: list[str], word: str) -> str | None:
    key = next((part for part in reversed(path) if part in KNOWN), None)
    return None if key is None else _nearest(word, KNOWN[key])


def _nearest(word: str, known: Any) -> str:
    words = [str(each) for each in known if str(each) != "protocol" or known is OF_A_FILE]
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return near[0] if near else f"one of {', '.join(words)}"


def _of_whole_rule(file: RulesFile, written: dict[str, Any], says: str, instead: str | None) -> Finding:
    name = str(written.get("id"))
    return _finding(file, name, "id", says, instead, name)


def _finding(file: RulesFile, rule: str, word: str, says: str, instead: str | None, name: str | None = None) -> Finding:
    line = file.places.get((rule, word)) or file.lines.get(rule)
    return Finding(file.path, line, name, says, instead, unreadable=True)
