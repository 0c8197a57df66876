"""Reads the protocol's files, merges an authority's own over the default, and names the result by its hash."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from services.protocol.policy.rule_language.grammar import Protocol
from services.safeguarding.identifiers import is_for_exercises

DEFAULT_RULES = Path(__file__).parent / "rules"
DEFAULT = "default"
SELF_TEST = (
    "tell-police-missing",  # police: a signed notice
    "tell-duty-worker-missing",  # professionals: a text
    "tell-social-worker-missing",  # professionals: a mail, in working hours
    "tell-carers-missing",  # carers: a text
    "invite-police",  # strategy: an invitation
)
"""The default rules of an authority for exercises alone: one for each way by which each service tells somebody."""


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
    approved: dict[str, str] | None = None
    """Who approved that `closing`, `watch-on` or `stand-down` asks less than the default, and why."""


class Unread(ValueError):
    """Each of `args` names a file that cannot be read, or a folder that is not there."""

    def __str__(self) -> str:
        return "\n".join(self.args)


def read(path: Path) -> RulesFile:
    """Raises ValueError, naming file and line, where the file is no mapping with `protocol`, `version` and `rules`."""
    try:
        node = yaml.compose(path.read_text(), Loader=_PlainLoader)
        content = _PlainLoader("").construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        msg = f"{path.name}:{line}: {error.problem}"
        raise ValueError(msg) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"{path.name}:1: {error.strerror if isinstance(error, OSError) else 'holds what is no text'}"
        raise ValueError(msg) from error
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
        lines=_lines(node),
        places=_places(node),
        approved=content.get("approved"),
    )


def _is_list_of_mappings(written: object) -> bool:
    return isinstance(written, list) and all(isinstance(each, dict) for each in written)


def _lines(document: yaml.Node | None) -> dict[str, int]:
    return {name: rule.start_mark.line + 1 for name, rule in _rules(document)}


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
                found.append(read(path))
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
    """By rule, merged as `merge_files` does."""
    found: dict[str, Origin] = {}
    for each in (file for file in read_files if file.authority in (DEFAULT, authority)):
        for name, line in each.lines.items():
            before = found.get(name)
            found[name] = Origin(each.path.name, line, None if before is None else f"{before.file}:{before.line}")
    return found


def merge_files(read_files: list[RulesFile], authority: str) -> str:
    """The protocol's text for this authority: its own rule replaces the default rule of the same id.

    Of the default rules, an authority that exists for exercises alone has only those of `SELF_TEST`.
    """
    rules: dict[str, dict[str, Any]] = {}
    closing: list[str] = []
    watch_on: list[str] = []
    stand_down: dict[str, str] = {}
    for each in read_files:
        if each.authority not in (DEFAULT, authority):
            continue
        closing = each.closing or closing
        watch_on = each.watch_on or watch_on
        stand_down = each.stand_down or stand_down
        for rule in each.rules:
            if each.authority == DEFAULT and is_for_exercises(authority) and rule.get("id") not in SELF_TEST:
                continue
            rules[str(rule.get("id"))] = {**rule, "protocol": f"{each.protocol} {each.version}"}
    return json.dumps(
        {
            "authority": authority,
            "closing": closing,
            "watch_on": watch_on,
            "stand_down": stand_down,
            "rules": list(rules.values()),
        },
        sort_keys=True,
    )


def parse(text: str) -> Protocol:
    """Raises pydantic's ValidationError for a word that the grammar does not know."""
    return Protocol.model_validate({**json.loads(text), "hash": hashlib.sha256(text.encode()).hexdigest()})


@dataclass
class Library:
    """Every authority's protocol as the files now say, each merged once."""

    read_files: list[RulesFile]
    _texts: dict[str, str] = field(default_factory=dict)
    _parsed: dict[str, Protocol] = field(default_factory=dict)

    def origins(self, authority: str) -> dict[str, Origin]:
        return origins(self.read_files, authority)

    def text(self, authority: str) -> str:
        if authority not in self._texts:
            self._texts[authority] = merge_files(self.read_files, authority)
        return self._texts[authority]

    def current(self, authority: str) -> Protocol:
        if authority not in self._parsed:
            self._parsed[authority] = parse(self.text(authority))
        return self._parsed[authority]
