"""Reads register tables from CSV: our own form, or a council's own files by a mapping.

In our form the first line names the fields, an empty cell is unknown, | separates lists. A mapping says which
columns and values of a council's are ours. It is data, no code.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args, get_origin

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from services.options.register_upkeep.policy.register_import import MOST_FAULTS, Fault
from services.options.register_upkeep.policy.rows import TABLES, Closed
from services.safeguarding.working_time import ENGLAND

FIELDS = {name: each.annotation for row in TABLES.values() for name, each in row.model_fields.items()}
LISTS = frozenset(name for name, each in FIELDS.items() if get_origin(each) is tuple)
FLAGS = frozenset(name for name, each in FIELDS.items() if each is bool or bool in get_args(each))
WORDS = {"true": True, "yes": True, "false": False, "no": False}


def rows_of(text: str, table: str) -> list[dict[str, Any]]:
    """Rows for the import. Raises ValueError, with a sentence for the sender, if the sheet itself is wrong."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading, *lines = list(reader) or [[]]
    except csv.Error:
        raise ValueError("a quotation mark is not closed, or stands in the middle of a cell") from None
    fields = [each.strip() for each in heading]
    wanted = [each.alias or name for name, each in TABLES[table].model_fields.items()]
    unknown = [str(at) for at, name in enumerate(fields, start=1) if name not in wanted]
    if not fields or unknown or len(set(fields)) != len(fields):
        raise ValueError(f"the first line must name the fields, each once: {', '.join(wanted)}")
    uneven = next((at for at, line in enumerate(lines, start=1) if line and len(line) != len(fields)), None)
    if uneven is not None:
        raise ValueError(f"row {uneven} has another number of cells than the first line")
    return [_row(dict(zip(fields, line, strict=True))) for line in lines if line]


def _row(cells: dict[str, str]) -> dict[str, Any]:
    return {name: value_of(name, text) for name, cell in cells.items() if (text := cell.strip()) or name in LISTS}


def value_of(field: str, text: str) -> Any:
    """A cell's text as the field takes it."""
    if field in LISTS:
        return [each.strip() for each in text.split("|") if each.strip()]
    return WORDS.get(text.lower(), text) if field in FLAGS else text


Cells: TypeAlias = Mapping[str, str]
MOST_COLUMNS = 500
"""Each line of a file is joined with a line of others: without a bound two short files would take for ever."""


class MappingFault(ValueError):
    """The mapping cannot be used with these files. The text says why, to its author."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file, with the number of its line."""

    number: int
    cells: Cells


@dataclass(frozen=True, slots=True)
class CouncilFile:
    name: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]


def find_file(wanted: str, names: Collection[str]) -> str:
    """The one of `names` that is `wanted` without its ending; `*` stands for anything. Raises MappingFault."""
    found = [name for name in names if fnmatch(name.rpartition(".")[0].lower() or name.lower(), wanted.lower())]
    if len(found) != 1:
        raise MappingFault(f"one file named {wanted}.csv is needed: there are {len(found)}")
    return found[0]


def read_file(name: str, text: str, nothing: Collection[str]) -> CouncilFile:
    """Raises MappingFault."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    try:
        heading = [each.strip() for each in next(reader, [])]
        if len(heading) > MOST_COLUMNS:
            raise MappingFault(f"{name} has more than {MOST_COLUMNS} columns")
        before = reader.line_num
        for cells in reader:
            if cells and len(cells) != len(heading):
                raise MappingFault(f"{name}, line {before + 1}: as many cells as the first line has are needed")
            if cells:
                told = ("" if cell.strip() in nothing else cell for cell in cells)
                lines.append(Line(before + 1, dict(zip(heading, told, strict=True))))
            before = reader.line_num
    except csv.Error:
        raise MappingFault(f"{name}, line {reader.line_num}: a quotation mark is out of place") from None
    return CouncilFile(name, tuple(heading), tuple(lines))


MOMENTS = frozenset({"as_of", "entered_care_at"})
Said: TypeAlias = str | bool | int | None


class Value(Closed):
    """How a field of ours is found. `column`: theirs; several are joined by a space. `first`: the first column that is
    not empty. `values`: theirs to ours, or the name of one of the mapping's `lists`; with `starts` the longest that the
    cell begins with. `otherwise`: for any other value, which is a fault without it. `dates`: how they write a date.
    """

    column: str | tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    always: Said = None
    values: dict[str, Said] | str | None = None
    starts: bool = False
    otherwise: Said = None
    dates: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return self.first or ((self.column,) if isinstance(self.column, str) else self.column)

    def work(self, lists: Mapping[str, dict[str, Said]]) -> int:
        """How many things are looked at for a line, at most."""
        values = lists[self.values] if isinstance(self.values, str) else self.values or {}
        return 1 + len(self.columns) + len(self.dates) + (len(values) if self.starts else 0)

    def text(self, cells: Cells) -> str:
        told = [told for name in self.columns if (told := cells.get(name, "").strip())]
        return " ".join(told[:1] if self.first else told)

    def of(self, field: str, cells: Cells, lists: Mapping[str, dict[str, Said]]) -> Any:
        """Raises ValueError with what is wanted."""
        if not self.columns:
            return self.always
        text = self.text(cells)
        if self.values is not None:
            return self._among(text, lists[self.values] if isinstance(self.values, str) else self.values)
        if not text:
            return None
        if self.dates:
            return self._day(field, text)
        return value_of(field, text) if field in LISTS | FLAGS else self.prefix + text

    def _among(self, text: str, values: Mapping[str, Said]) -> Said:
        found = text if text in values else ""
        if self.starts:
            found = max((each for each in values if text.startswith(each)), key=len, default="")
        if found in values and (found or not text):
            return values[found]
        if "otherwise" in self.model_fields_set or not text:
            return self.otherwise
        raise ValueError(f"one of {', '.join(sorted(filter(None, values)))} is needed, or a line for it in the mapping")

    def _day(self, field: str, text: str) -> str:
        for each in self.dates:
            try:
                found = datetime.strptime(text, each).replace(tzinfo=ENGLAND)
            except (ValueError, re.error):  # the latter of a format that names a part twice
                continue
            return found.isoformat() if field in MOMENTS else found.date().isoformat()
        raise ValueError(f"a date written as {' or '.join(self.dates)} is needed")


SHIPPED = Path(__file__).parents[1] / "mappings"


MOST_CHARACTERS = 50_000
MOST_LINES = 500_000
"""Of all files: each is kept whole, however short, until they are read."""
MOST_LEVELS = 20
"""At each, whatever reads YAML looks back at those above it."""
MOST_WORK = 20_000_000
"""Cells, values and dates that are looked at: half a minute of one thread."""


class WordsLoader(yaml.SafeLoader):
    """Reads `Yes`, `on`, `1` and dates as they are written: in a mapping they are a council's values."""


WordsLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (("bool", r"^(true|false)$", "tf"), ("null", r"^(null|)$", ["n", ""])):
    WordsLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


class Rows(Closed):
    """Rows of a file, named without its ending; `*` stands for anything. `where`: what a column must hold."""

    file: str
    where: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)

    @property
    def work(self) -> int:
        """How many values are looked at for a line, at most."""
        return 1 + sum(1 if isinstance(wanted, str) else len(wanted) for wanted in self.where.values())

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

    def by_key(self, file: CouncilFile) -> dict[str, Cells]:
        key, newest = next(iter(self.by)), self.latest or ""
        rows = sorted(
            (each.cells for each in file.lines if self.let_in(each.cells)), key=lambda row: row.get(newest, "")
        )
        return {row[key].strip(): row for row in rows if row[key].strip()}


class Source(Rows):
    """Each line of a file, with the lines of others that belong to it, becomes a row of ours."""

    join: dict[str, Joined] = Field(default_factory=dict)
    fields: dict[
        str, Annotated[Value, BeforeValidator(lambda said: said if isinstance(said, dict) else {"column": said})]
    ]

    @property
    def columns(self) -> set[str]:
        """Those that it needs; of a joined file with its name before them."""
        of_others = {
            f"{name}.{column}"
            for name, each in self.join.items()
            for column in (*each.by, *each.where, *filter(None, (each.latest,)))
        }
        own = {column for each in self.join.values() for column in each.by.values()}
        return {*self.where, *own, *of_others, *(column for each in self.fields.values() for column in each.columns)}

    def whole_work(self, read: Callable[[str], CouncilFile], lists: Mapping[str, dict[str, Said]]) -> int:
        """How many values are looked at for all of its files, at most; of a joined line, each of its cells."""
        joined = [(other, read(other.file)) for other in self.join.values()]
        own = self.work + sum(each.work(lists) for each in self.fields.values())
        lines = len(read(self.file).lines)
        return lines * own + sum(len(file.lines) * other.work + lines * len(file.columns) for other, file in joined)

    def lines(self, file: CouncilFile, others: Mapping[str, CouncilFile]) -> Iterator[Line]:
        """Raises MappingFault for a column that is not there, which would be read as empty for everybody, and for one
        that is there twice.
        """
        of_others = (f"{name}.{each}" for name, other in others.items() for each in other.columns)
        there = Counter([*file.columns, *of_others])
        if missing := sorted(self.columns - there.keys()):
            raise MappingFault(f"{file.name} has no column {', '.join(missing)}")
        if twice := sorted(each for each in self.columns if there[each] > 1):
            raise MappingFault(f"{file.name} has more than one column {', '.join(twice)}")
        found = {name: each.by_key(others[name]) for name, each in self.join.items()}
        for line in filter(lambda line: self.let_in(line.cells), file.lines):
            cells = dict(line.cells)
            for name, each in self.join.items():
                other = found[name].get(cells[next(iter(each.by.values()))].strip(), {})
                if each.needed and not other:
                    break
                cells |= {f"{name}.{column}": value for column, value in other.items()}
            else:
                yield Line(line.number, cells)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row of ours comes from, and its fields."""

    file: str
    line: int
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mapped:
    document: dict[str, list[dict[str, Any]]]
    origins: dict[str, list[Origin]]
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

    nothing: frozenset[str] = frozenset()
    """What they write where there is nothing."""
    lists: dict[str, dict[str, Said]] = Field(default_factory=dict)
    tables: dict[str, tuple[Source, ...]] = Field(min_length=1)

    def apply(self, files: Mapping[str, str]) -> Mapped:
        """`files`: their text by name. Raises MappingFault."""
        if sum(map(_count_lines, files.values())) > MOST_LINES:
            raise MappingFault(f"the files have more than {MOST_LINES:,} lines")
        parse = cache(lambda name: read_file(name, files[name], self.nothing))

        def read(wanted: str) -> CouncilFile:
            return parse(find_file(wanted, files))

        sources = [source for several in self.tables.values() for source in several]
        if sum(each.whole_work(read, self.lists) for each in sources) > MOST_WORK:
            raise MappingFault("the mapping: it has too many fields and values for files of so many lines")
        mapped = Mapped({}, {}, [])
        for table, several in self.tables.items():
            rows: dict[str, tuple[dict[str, Any], Origin]] = {}
            for source in several:
                file, others = read(source.file), {name: read(each.file) for name, each in source.join.items()}
                columns = {field: ", ".join(each.columns) for field, each in source.fields.items()}
                for line in source.lines(file, others):
                    if len(mapped.faults) >= MOST_FAULTS:
                        return mapped
                    origin = Origin(file.name, line.number, columns)
                    row = self._row(table, source, line, origin, mapped.faults)
                    rows.setdefault(repr(row), (row, origin))
            mapped.document[table] = [row for row, _ in rows.values()]
            mapped.origins[table] = [origin for _, origin in rows.values()]
        return mapped

    def _row(self, table: str, source: Source, line: Line, origin: Origin, faults: list[Fault]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for field, value in source.fields.items():
            try:
                row[field] = value.of(field, line.cells, self.lists)
            except ValueError as error:
                place = origin.file, origin.line, origin.columns[field]
                faults.append(Fault(table, line.number, str(row.get("reference") or ""), field, str(error), *place))
        return {field: told for field, told in row.items() if told is not None}


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
            named = [each.values for each in source.fields.values()]
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


def _count_lines(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _load(text: str) -> Any:
    """Raises MappingFault for a mapping that would grow as it is read, or take minutes."""
    if len(text) > MOST_CHARACTERS or not _is_plain(text):
        most = f"{MOST_CHARACTERS} characters and {MOST_LEVELS} levels at most"
        raise MappingFault(f"a mapping has {most}, and no aliases (*) or tags (!)")
    return yaml.load(text, Loader=WordsLoader)  # noqa: S506 it is a safe loader


def _is_plain(text: str) -> bool:
    level = 0
    for each in yaml.parse(text):
        level += isinstance(each, yaml.CollectionStartEvent) - isinstance(each, yaml.CollectionEndEvent)
        if level > MOST_LEVELS or isinstance(each, yaml.AliasEvent) or getattr(each, "tag", None):
            return False
    return True


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
