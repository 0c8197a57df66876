"""Reads a council's own files by a mapping: which of their columns and values are ours. A mapping is data, no code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from pydantic import Field, ValidationError

from services.casework.policy.register_import import Fault
from services.casework.policy.rows import TABLES
from services.casework.policy.sheets.cell_value import Closed, Said, Value
from services.casework.policy.sheets.council_file import Cells, Line, MappingFault, read_file

SHIPPED = Path(__file__).parents[2] / "mappings"


MOST_CHARACTERS = 50_000


class WordsLoader(yaml.SafeLoader):
    """Reads `Yes`, `on`, `1` and dates as they are written: in a mapping they are a council's values."""


WordsLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", r"^(true|false)$", "tf"), ("null", r"^(null|)$", ["n", ""])):
    WordsLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


class Rows(Closed):
    """Rows of a file, named without its ending; `*` stands for anything. `where`: what a column must hold."""

    file: str
    where: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)

    def let_in(self, cells: Cells) -> bool:
        return all(
            cells.get(name, "").strip() in ((wanted,) if isinstance(wanted, str) else wanted)
            for name, wanted in self.where.items()
        )


class Joined(Rows):
    """The row of another file that belongs to a row: `by` says by which columns, theirs then the row's own. Of several,
    the one with the greatest `latest`. `needed`: a row without one is left out.
    """

    by: dict[str, str] = Field(min_length=1, max_length=1)
    latest: str | None = None
    needed: bool = False


class Source(Rows):
    join: dict[str, Joined] = Field(default_factory=dict)
    fields: dict[str, str | tuple[str, ...] | Value]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row of ours comes from, and its fields."""

    file: str
    line: int
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mapped:
    document: dict[str, list[dict[str, Any]]]
    origins: Mapping[str, list[Origin]]
    faults: list[Fault]

    def place(self, fault: Fault) -> Fault:
        """With the place in the sender's own file."""
        if not 0 < fault.row <= len(self.origins.get(fault.table, ())):
            return fault
        origin = self.origins[fault.table][fault.row - 1]
        column = origin.columns.get(fault.field.partition(".")[0])
        return replace(fault, file=origin.file, line=origin.line, column=column)


class FileMapping(Closed):
    """Each table of ours, with where its rows come from. Tables that it leaves out stay as they are."""

    nothing: tuple[str, ...] = ()
    """What they write where there is nothing."""
    lists: dict[str, dict[str, Said]] = Field(default_factory=dict)
    tables: dict[str, tuple[Source, ...]] = Field(min_length=1)

    def apply(self, files: Mapping[str, str]) -> Mapped:
        """`files`: their text by name. Raises MappingFault."""
        read: dict[str, tuple[str, list[Line]]] = {}
        document: dict[str, list[dict[str, Any]]] = {}
        origins: dict[str, list[Origin]] = {}
        faults: list[Fault] = []

        def lines_of(wanted: str) -> tuple[str, list[Line]]:
            if wanted not in read:
                read[wanted] = read_file(wanted, files, self.nothing)
            return read[wanted]

        for table, sources in self.tables.items():
            rows: dict[str, tuple[dict[str, Any], Origin]] = {}
            for source in sources:
                file, lines = lines_of(source.file)
                finders = {name: _finder(each, lines_of(each.file)[1]) for name, each in source.join.items()}
                _require_columns(source, file, lines, {name: lines_of(each.file) for name, each in source.join.items()})
                for line in _joined(source, lines, finders):
                    row, wrong, origin = self._row(source, file, line)
                    faults += [
                        Fault(table, line.number, str(row.get("reference") or ""), field, wanted, *place)
                        for field, wanted, *place in wrong
                    ]
                    rows.setdefault(repr(row), (row, origin))
            document[table], origins[table] = [row for row, _ in rows.values()], [each for _, each in rows.values()]
        return Mapped(document, origins, faults)

    def _row(self, source: Source, file: str, line: Line) -> tuple[dict[str, Any], list[tuple[Any, ...]], Origin]:
        row: dict[str, Any] = {}
        wrong: list[tuple[Any, ...]] = []
        columns: dict[str, str] = {}
        for field, said in source.fields.items():
            value = said if isinstance(said, Value) else Value(column=said)
            columns[field] = ", ".join(value.columns)
            try:
                told = value.of(field, line.cells, self.lists)
            except ValueError as error:
                wrong.append((field, str(error), file, line.number, columns[field]))
                continue
            if told is not None:
                row[field] = told
        return row, wrong, Origin(file, line.number, columns)


def read_mapping(text: str) -> FileMapping:
    """`extends` names a shipped mapping: what is said here is put over it. Raises MappingFault."""
    try:
        said = _load(text)
        if isinstance(said, dict) and "extends" in said:
            said = _over(_shipped(str(said.pop("extends"))), said)
        mapping = FileMapping.model_validate(said)
    except (yaml.YAMLError, RecursionError):
        raise MappingFault("the mapping must be YAML") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise MappingFault(f"the mapping: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for table, sources in mapping.tables.items():
        ours = {each.alias or name for name, each in TABLES[table].model_fields.items()} if table in TABLES else set()
        for source in sources:
            named = [each.values for each in source.fields.values() if isinstance(each, Value)]
            missing = [each for each in named if isinstance(each, str) and each not in mapping.lists]
            if unknown := sorted(set(source.fields) - ours) + missing:
                raise MappingFault(f"the mapping: {table} has no {', '.join(unknown)}")
    return mapping


def shipped_mapping(name: str) -> FileMapping:
    """Raises MappingFault."""
    return read_mapping(f"extends: {name}")


def digest_of(mapping: str, files: Mapping[str, str]) -> str:
    """One SHA-256 of a mapping and its files, in whatever order they came."""
    return sha256("\0".join([mapping, *(files[name] for name in sorted(files))]).encode()).hexdigest()


def _load(text: str) -> Any:
    """Raises MappingFault for a mapping that would grow as it is read."""
    if len(text) > MOST_CHARACTERS or any(isinstance(each, yaml.AliasEvent) for each in yaml.parse(text)):
        raise MappingFault(f"a mapping has {MOST_CHARACTERS} characters at most, and no aliases (*)")
    return yaml.load(text, Loader=WordsLoader)  # noqa: S506 it is a safe loader


def _shipped(name: str) -> dict[str, Any]:
    path = SHIPPED / f"{name}.yaml"
    if not name.isalnum() or not path.exists():
        named = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.yaml")))
        raise MappingFault(f"the mapping's YAML is needed, or a name of {named}")
    shipped: dict[str, Any] = _load(path.read_text())
    return shipped


def _over(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        below = lower.get(name)
        merged[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _require_columns(
    source: Source, file: str, lines: list[Line], joined: Mapping[str, tuple[str, list[Line]]]
) -> None:
    """A column that a file does not have would be read as empty for everybody."""
    wanted = dict.fromkeys(source.where, "") | {own: "" for each in source.join.values() for own in each.by.values()}
    for said in source.fields.values():
        wanted |= dict.fromkeys((said if isinstance(said, Value) else Value(column=said)).columns, "")
    there = [*lines[0].cells] if lines else [*wanted]
    for name, (_, others) in joined.items():
        each = source.join[name]
        own = [*each.by, *each.where, *([each.latest] if each.latest else [])]
        wanted |= dict.fromkeys((f"{name}.{column}" for column in own), "")
        there += (
            [f"{name}.{column}" for column in others[0].cells]
            if others
            else [column for column in wanted if column.startswith(f"{name}.")]
        )
    if missing := sorted(set(wanted) - set(there)):
        raise MappingFault(f"{file} has no column {', '.join(missing)}")


Finder: TypeAlias = tuple[str, Mapping[str, Cells]]


def _finder(joined: Joined, lines: list[Line]) -> Finder:
    """The row's own column, and the other file's row by its value."""
    [(theirs, own)] = joined.by.items()
    found: dict[str, Cells] = {}
    for line in lines:
        key = line.cells.get(theirs, "").strip()
        if not key or not joined.let_in(line.cells):
            continue
        if key not in found or joined.latest is None or line.cells[joined.latest] > found[key][joined.latest]:
            found[key] = line.cells
    return own, found


def _joined(source: Source, lines: list[Line], finders: Mapping[str, Finder]) -> Iterator[Line]:
    for line in lines:
        if not source.let_in(line.cells):
            continue
        cells = dict(line.cells)
        for name, (own, found) in finders.items():
            other = found.get(cells.get(own, "").strip())
            if other is None and source.join[name].needed:
                break
            cells |= {f"{name}.{column}": value for column, value in (other or {}).items()}
        else:
            yield Line(line.number, cells)
