"""Whether an import holds together. Every fault is named by table, row and field, with what would be right, never with what was there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from services.casework.policy.rows import (
    TABLES,
    AgencyRow,
    AuthorityRow,
    CarerRow,
    ChildRow,
    DirectoryRow,
    ForceRow,
    PersonRow,
    PlacementRow,
    Row,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`row` counts from 1, as a spreadsheet without its heading does."""

    table: str
    row: int
    reference: str
    field: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the register holds before the import, by the authority's references."""

    authority: bool = False
    forces: frozenset[str] = frozenset()
    placements: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    children: Mapping[str, str] = field(default_factory=dict)
    """Reference to code."""
    others_agencies: frozenset[str] = frozenset()
    others_sources: frozenset[str] = frozenset()
    """Of other authorities' agencies: an agency, and a source, is on one authority's list."""


@dataclass(frozen=True, slots=True)
class Import:
    """Each table's rows by their number. Tables that were not given are None and stay as they are."""

    authority: AuthorityRow | None = None
    forces: Mapping[int, ForceRow] | None = None
    placements: Mapping[int, PlacementRow] | None = None
    people: Mapping[int, PersonRow] | None = None
    carers: Mapping[int, CarerRow] | None = None
    children: Mapping[int, ChildRow] | None = None
    directory: Mapping[int, DirectoryRow] | None = None
    agencies: Mapping[int, AgencyRow] | None = None
    left_out: frozenset[str] = frozenset()
    """References of rows with faults of their own, so that rows which point at them are not called faulty as well."""


def read(document: Mapping[str, Any], authority: str) -> tuple[Import, list[Fault]]:
    """The import of `authority`, and each fault that a row has by itself. Rows with faults are left out."""
    faults: list[Fault] = []
    given: dict[str, Any] = {}
    strange = [name for name in document if name != "authority" and name not in TABLES]
    faults += [Fault(name[:60], 0, "", "", f"no such table: the tables are {', '.join(TABLES)}") for name in strange]
    if "authority" in document:
        given["authority"] = _row("authority", 1, AuthorityRow, document["authority"], faults)
        if given["authority"] is not None and given["authority"].id != authority:
            faults.append(Fault("authority", 1, "", "id", "the authority that the address names is needed"))
    for name, row_class in TABLES.items():
        if name not in document:
            continue
        if not isinstance(document[name], list):
            faults.append(Fault(name, 0, "", "", "a list of rows is needed"))
            continue
        rows = {at: _row(name, at, row_class, content, faults) for at, content in enumerate(document[name], start=1)}
        given[name] = {at: row for at, row in rows.items() if row is not None}
    return Import(**given, left_out=frozenset(fault.reference for fault in faults)), faults


def without(given: Import, given_away: Collection[str]) -> tuple[Import, tuple[str, ...]]:
    """The import without the children who are another authority's by now, and without their lines of the directory; and the
    references of those it named. A file that does not know yet of a transfer is no reason to keep out all else in it.
    """
    children, directory = given.children or {}, given.directory or {}
    named = {row.reference for row in children.values()} | {row.child for row in directory.values()}
    passed_over = tuple(sorted(each for each in named if each is not None and each in given_away))
    kept: dict[str, Any] = {}
    if given.children is not None:
        kept["children"] = {at: row for at, row in children.items() if row.reference not in passed_over}
    if given.directory is not None:
        kept["directory"] = {at: row for at, row in directory.items() if row.child not in passed_over}
    return replace(given, **kept), passed_over


def _row(table: str, at: int, row_class: type[Row], content: object, faults: list[Fault]) -> Row | None:
    try:
        return row_class.model_validate(content)
    except ValidationError as error:
        reference = content.get("reference", content.get("id", "")) if isinstance(content, dict) else ""
        named = reference[:60] if isinstance(reference, str) else ""
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            where = ".".join(str(part) for part in each["loc"])
            faults.append(Fault(table, at, named, where, each["msg"].removeprefix("Value error, ")))
        return None
