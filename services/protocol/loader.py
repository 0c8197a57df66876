"""Reads the protocol's files, merges an authority's own over the default, and names the result by its hash."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from services.protocol.law.law import Law, rows_of, shipped
from services.protocol.law.periods import TO_BE_CONFIRMED, holds, turning_days
from services.protocol.law.sources import Source
from services.protocol.law.values import NoValue, Value, Values
from services.protocol.policy.rule_language.grammar import Protocol
from services.protocol.rule_file import DEFAULT, RulesFile, read
from services.safeguarding.identifiers import is_for_exercises

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
