"""Reads one protocol file, and remembers the line of each of its words."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from services.protocol.law.periods import Period, day_of, period_of

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


def read(path: Path) -> RulesFile:
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
        rules=content["rules"],
        closing=content.get("closing", []),
        watch_on=content.get("watch-on", []),
        stand_down=content.get("stand-down", {}),
        mass_report=content.get("mass-report"),
        lines={name: rule.start_mark.line + 1 for name, rule in _rules(node)},
        places=_places(node),
        approved=content.get("approved"),
        adopted=content.get("adopted"),
        sources=content.get("sources") or [],
        values=content.get("values") or [],
        text=text,
    )


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
