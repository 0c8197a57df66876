"""Reads the protocol's files, merges an authority's own over the default, and names the result by its hash.

The line of each word of a file is remembered.
"""

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from services.protocol.law.law import (
    TO_BE_CONFIRMED,
    Law,
    NoValue,
    Period,
    Source,
    Value,
    Values,
    day_of,
    holds,
    period_of,
    rows_of,
    shipped,
    turning_days,
)
from services.protocol.policy.rule_language.grammar import Protocol
from services.safeguarding.identifiers import is_for_exercises

DEFAULT = "default"


class _PlainLoader(yaml.SafeLoader):
    """Reads YAML as a person does: `on` is a word and no truth value, and a duplicate key is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 PyYAML calls it so
        keys = [key.value for key, _ in node.value]
        twice = next((key for key, _ in node.value if keys.count(key.value) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"duplicate key {twice.value}", twice.start_mark)
        return super().construct_mapping(node, deep=deep)


_PlainLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
LADDERS_FOR: dict[str, dict[str, list[dict[str, Any]]]] = _PlainLoader(
    Path(__file__).with_name("ladders.yaml").read_text()
).get_single_data()
"""By whom they begin with, as a reader is shown them."""
LADDERS = {name: steps for ladders in LADDERS_FOR.values() for name, steps in ladders.items()}
"""The steps that a rule of any file may name under `otherwise`. An episode keeps those with which it opened."""


@dataclass(frozen=True)
class RulesFile:
    """One file as written. `lines` holds the line on which each rule begins, `places` the line of each of its words."""

    path: Path
    protocol: str
    version: str
    authority: str
    rules: list[dict[str, Any]]
    closing: list[str] = field(default_factory=list)
    watch_on: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    """By rule and word, such as `("tell-police-missing", "until")`; by "" and word outside the rules."""
    stand_down: dict[str, str] = field(default_factory=dict)
    mass_report: dict[str, Any] | None = None
    approved: dict[str, str] | str | None = None
    """Who approved that `closing`, `watch-on` or `stand-down` asks less than the default, and why."""
    adopted: dict[str, Any] | str | None = None
    """Who adopted the file, and the first day on which it holds."""
    sources: list[dict[str, Any]] = field(default_factory=list)
    """Further texts that its rules cite."""
    ladder_of: dict[str, str] = field(default_factory=dict)
    """By rule, the ladder that it names. Its steps stand in the rule itself."""
    values: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    @property
    def since(self) -> date | None:
        """Raises ValueError where `adopted` is not written as it must be."""
        if self.adopted is None:
            return None
        if not isinstance(self.adopted, dict):
            msg = f"{self.path.name}: `adopted` names who, and may say from which day"
            raise ValueError(msg)  # noqa: TRY004 a fault of a file, as all others
        return day_of(self.adopted.get("from"))

    def period(self, rule: dict[str, Any]) -> Period:
        """The days on which this rule of the file holds. Raises ValueError for what is no day."""
        return period_of(rule, self.since)


def read_rules(path: Path) -> RulesFile:
    """As `read_text`, of the file at `path`."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path.name}:1: {error.strerror if isinstance(error, OSError) else 'holds what is no text'}"
        raise ValueError(msg) from error
    return read_text(path, text)


def read_text(path: Path, text: str) -> RulesFile:
    """Raises ValueError, naming file and line, where the text is no mapping with `protocol`, `version` and `rules`."""
    return deepcopy(_parse(path, text))  # its lists and mappings are the caller's to change


@lru_cache(maxsize=100)
def _parse(path: Path, text: str) -> RulesFile:
    """A text is read many times, and parsing it is slow."""
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
        content = _PlainLoader("").construct_document(node) if node is not None else None
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(fault_of_yaml(path, error)) from error
    if not isinstance(content, dict) or not _is_list_of_mappings(content.get("rules")):
        msg = (
            f"{path.name}:1: a protocol file has `protocol`, `version` and a list of `rules`, each beginning with `id`"
        )
        raise ValueError(msg)
    return RulesFile(
        path=path,
        protocol=str(content.get("protocol", path.stem)),
        version=str(content.get("version", "")),
        authority=str(content.get("authority", DEFAULT)),
        rules=[_with_its_ladder(rule) for rule in content["rules"]],
        closing=content.get("closing", []),
        watch_on=content.get("watch-on", []),
        stand_down=content.get("stand-down", {}),
        mass_report=content.get("mass-report"),
        lines={name: rule.start_mark.line + 1 for name, rule in _rules(node)},
        places=_places(node),
        approved=content.get("approved"),
        adopted=content.get("adopted"),
        sources=content.get("sources") or [],
        ladder_of={str(each.get("id")): each["otherwise"] for each in content["rules"] if _names_a_ladder(each)},
        values=content.get("values") or [],
        text=text,
    )


def _with_its_ladder(rule: dict[str, Any]) -> dict[str, Any]:
    """The steps in place of their name. A name that is not known stays, for `check` to refuse."""
    return {**rule, "otherwise": LADDERS[rule["otherwise"]]} if _names_a_ladder(rule) else rule


def _names_a_ladder(rule: dict[str, Any]) -> bool:
    return isinstance(name := rule.get("otherwise"), str) and name in LADDERS


def fault_of_yaml(path: Path, error: Exception) -> str:
    """Names file and line where YAML raised `error`."""
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return f"{path.name}:{line}: {error.problem}"
    return f"{path.name}:1: holds what is no text, or a day that no calendar has"


def _is_list_of_mappings(written: object) -> bool:
    return isinstance(written, list) and all(isinstance(each, dict) for each in written)


def _places(document: yaml.Node | None) -> dict[tuple[str, str], int]:
    places = {("", key.value): key.start_mark.line + 1 for key, _ in (() if document is None else document.value)}
    for name, rule in _rules(document):
        places |= {(name, key.value): key.start_mark.line + 1 for key, _ in rule.value}
    return places


def _rules(document: yaml.Node | None) -> Iterator[tuple[str, yaml.MappingNode]]:
    for key, value in () if document is None else document.value:
        for rule in value.value if key.value == "rules" else ():
            for name, written in rule.value if isinstance(rule, yaml.MappingNode) else ():
                if name.value == "id":
                    yield str(written.value), rule


DEFAULT_RULES = Path(__file__).parent / "rules"
SELF_TEST = (
    "tell-police-missing",  # police: a signed notice
    "tell-duty-worker-missing",  # professionals: a text
    "tell-social-worker-missing",  # professionals: a mail, in working hours
    "tell-carers-missing",  # carers: a text
    "invite-police",  # strategy: an invitation
)
"""The default rules of an authority for exercises alone: one for each way by which each service tells somebody."""


class Unread(ValueError):
    """Each of `args` names a file that cannot be read, or a folder that is not there."""

    def __str__(self) -> str:
        return "\n".join(self.args)


def files(authorities: Path | None = None) -> list[RulesFile]:
    """The default files, then the authorities' own. Raises Unread."""
    found, unread = readable(authorities)
    if unread:
        raise Unread(*unread)
    return found


def readable(authorities: Path | None = None) -> tuple[list[RulesFile], list[str]]:
    """The files that can be read, and a sentence about each that cannot, or about a folder that is not there."""
    found, unread = [], []
    for folder in (DEFAULT_RULES, *([] if authorities is None else [authorities])):
        if not folder.is_dir():
            unread.append(f"there is no folder {folder}")
        for path in sorted(folder.glob("*.yaml")):
            try:
                found.append(read_rules(path))
            except ValueError as error:
                unread.append(str(error))
    return found, unread


def passed_over(authorities: Path) -> list[Path]:
    """Files anywhere below the folder that are not read. Hidden files are left out."""
    found = (
        each for each in sorted(authorities.rglob("*")) if each.is_file() and each not in {*authorities.glob("*.yaml")}
    )
    return [each for each in found if not any(part.startswith(".") for part in each.relative_to(authorities).parts)]


def is_of_rules(path: Path) -> bool:
    """Whether its name is a protocol file's: such a file was meant to be read."""
    return path.suffix.lower() in {".yaml", ".yml"}


@dataclass(frozen=True)
class Origin:
    """Where a rule of the merged protocol is written, and which rule it replaces."""

    file: str
    line: int
    replaces: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + ("" if self.replaces is None else f", in place of {self.replaces}")


def origins(read_files: list[RulesFile], authority: str) -> dict[str, Origin]:
    """Where each rule is written, merged as `merge_files` does."""
    found: dict[str, Origin] = {}
    for each in _files_for(read_files, authority):
        for name, line in each.lines.items():
            before = found.get(name)
            found[name] = Origin(each.path.name, line, None if before is None else f"{before.file}:{before.line}")
    return found


def _files_for(read_files: Iterable[RulesFile], authority: str) -> list[RulesFile]:
    """Everybody's files, then the authority's own, which override them."""
    mine = (each for each in read_files if each.authority in (DEFAULT, authority))
    return sorted(mine, key=lambda each: each.authority != DEFAULT)


def law_of(read_files: Iterable[RulesFile], authority: str = DEFAULT) -> Law:
    """The shipped law, and what the files of everybody and of this authority add. Raises ValueError (pydantic's)."""
    law = shipped()
    for each in _files_for(read_files, authority):
        if each.sources or each.values:
            sources, values = rows_of(Source, each.sources), rows_of(Value, each.values)
            law = Law(law.sources.with_others(sources), law.values.with_others(values))
    return law


def turning_days_of(read_files: Sequence[RulesFile]) -> tuple[date, ...]:
    """Days from which other rules or values may hold, the first before every other. Raises ValueError for no day."""
    dated = [each.period(rule) for each in read_files for rule in each.rules]
    valued = [each.period for each in law_of(read_files).values.all]
    return turning_days([*dated, *valued, *((each.since, None) for each in read_files)])


def in_force(rule: dict[str, Any], file: RulesFile, values: Values, on: date) -> dict[str, Any] | None:
    """The rule with the law's numbers of that day. None: it does not hold then, or waits for somebody to confirm it."""
    if rule.get("state") == TO_BE_CONFIRMED or not holds(file.period(rule), on):
        return None
    try:
        resolved: dict[str, Any] = values.resolved(rule, on)
    except NoValue:
        return None
    return resolved if file.since is None else {"from": file.since, **resolved}


def merge_files(read_files: Iterable[RulesFile], authority: str, on: date, law: Law | None = None) -> str:
    """The protocol's text for this authority on that day: its own rule replaces the default rule of the same id.

    Of the default rules, an authority that exists for exercises alone has only those of `SELF_TEST`.
    """
    ours = _files_for(read_files, authority)
    values = (law or law_of(ours)).values
    rules: dict[str, dict[str, Any]] = {}
    closing: list[str] = []
    watch_on: list[str] = []
    stand_down: dict[str, str] = {}
    mass_report: dict[str, Any] | None = None
    for each in (file for file in ours if holds((file.since, None), on)):
        closing = each.closing or closing
        watch_on = each.watch_on or watch_on
        stand_down = each.stand_down or stand_down
        mass_report = each.mass_report or mass_report
        for rule in each.rules:
            if each.authority == DEFAULT and is_for_exercises(authority) and rule.get("id") not in SELF_TEST:
                continue
            resolved = in_force(rule, each, values, on)
            if resolved is not None:
                rules[str(rule.get("id"))] = {**resolved, "protocol": f"{each.protocol} {each.version}"}
    return json.dumps(
        {
            "authority": authority,
            "closing": closing,
            "watch_on": watch_on,
            "stand_down": stand_down,
            "mass_report": mass_report,
            "rules": list(rules.values()),
        },
        sort_keys=True,
        default=str,
    )


def parse(text: str) -> Protocol:
    """Raises pydantic's ValidationError for a word that the grammar does not know."""
    return Protocol.model_validate({**json.loads(text), "hash": hashlib.sha256(text.encode()).hexdigest()})


@dataclass
class Library:
    """Every authority's protocol as these files say, on each day, each merged once."""

    read_files: list[RulesFile]
    _texts: dict[tuple[str, int], str] = field(default_factory=dict)
    _parsed: dict[tuple[str, int], Protocol] = field(default_factory=dict)

    def origins(self, authority: str) -> dict[str, Origin]:
        return origins(self.read_files, authority)

    @cached_property
    def law(self) -> Law:
        return law_of(self.read_files)

    @cached_property
    def _turning_days(self) -> tuple[date, ...]:
        return turning_days_of(self.read_files)

    def _era(self, on: date) -> int:
        return max(1, bisect_right(self._turning_days, on))

    def text(self, authority: str, on: date | None = None) -> str:
        """As `current`, not parsed."""
        on = on or self.law.checked_on
        key = authority, self._era(on)
        if key not in self._texts:
            self._texts[key] = merge_files(self.read_files, authority, on, self.law)
        return self._texts[key]

    def current(self, authority: str, on: date | None = None) -> Protocol:
        """In force on that day in England. Left out: on the law's newest check, so that rendered pages do not vary."""
        on = on or self.law.checked_on
        key = authority, self._era(on)
        if key not in self._parsed:
            self._parsed[key] = parse(self.text(authority, on))
        return self._parsed[key]
