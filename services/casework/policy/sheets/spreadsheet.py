"""Reads a register table from CSV. The first line names the fields, an empty cell is unknown, | separates lists."""

import csv
import io
from typing import Any, get_args, get_origin

from services.casework.policy.rows import TABLES

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
