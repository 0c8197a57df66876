"""Reads a council's own file: lines of cells by column name."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TypeAlias

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
