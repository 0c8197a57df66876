"""Whether an import holds together. Every fault is named by table, row and field, with what would be right, never with what was there."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

ONE_CHILDS = "child."


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
    """Tables that were not given are None and stay as they are."""

    authority: AuthorityRow | None = None
    forces: tuple[ForceRow, ...] | None = None
    placements: tuple[PlacementRow, ...] | None = None
    people: tuple[PersonRow, ...] | None = None
    carers: tuple[CarerRow, ...] | None = None
    children: tuple[ChildRow, ...] | None = None
    directory: tuple[DirectoryRow, ...] | None = None
    agencies: tuple[AgencyRow, ...] | None = None


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
        rows = [_row(name, at, row_class, content, faults) for at, content in enumerate(document[name], start=1)]
        given[name] = tuple(row for row in rows if row is not None)
    return Import(**given), faults


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


def cross_faults(given: Import, known: Known) -> list[Fault]:
    """What rows that are right by themselves get wrong together, and against what the register holds."""
    if given.authority is None and not known.authority:
        return [Fault("authority", 0, "", "", "the register does not know this authority yet: import it whole first")]
    return [
        *_repeated(given),
        *_dangling(given, known),
        *_codes(given, known),
        *_numbers(given.people or ()),
        *_scopes(given.directory or ()),
        *_foreign_agencies(given.agencies or (), known),
    ]


def _repeated(given: Import) -> Iterator[Fault]:
    keyed: dict[str, Sequence[tuple[str, Row]]] = {
        "forces": [(row.id, row) for row in given.forces or ()],
        "placements": [(row.reference, row) for row in given.placements or ()],
        "people": [(row.reference, row) for row in given.people or ()],
        "children": [(row.reference, row) for row in given.children or ()],
        "carers": [(f"{row.person} {row.placement}", row) for row in given.carers or ()],
        "agencies": [(row.id, row) for row in given.agencies or ()],
    }
    for table, rows in keyed.items():
        seen: set[str] = set()
        for at, (key, row) in enumerate(rows, start=1):
            if key in seen:
                yield Fault(table, at, row.named, "", "an earlier row has the same key: one of the two is needed")
            seen.add(key)


def _dangling(given: Import, known: Known) -> Iterator[Fault]:
    forces = known.forces | {row.id for row in given.forces or ()}
    placements = known.placements | {row.reference for row in given.placements or ()}
    people = known.people | {row.reference for row in given.people or ()}
    children = known.children.keys() | {row.reference for row in given.children or ()}
    for table, rows, name, there in (
        ("placements", given.placements, "force", forces),
        ("carers", given.carers, "person", people),
        ("carers", given.carers, "placement", placements),
        ("children", given.children, "placement", placements),
        ("directory", given.directory, "person", people),
        ("directory", given.directory, "child", children),
    ):
        for at, row in enumerate(rows or (), start=1):
            pointed = getattr(row, name)
            if pointed is not None and pointed not in there:
                yield Fault(table, at, row.named, name, f"nothing has this reference: a {name} of this import or of the register is needed")


def _codes(given: Import, known: Known) -> Iterator[Fault]:
    rows = given.children or ()
    codes = dict(known.children) | {row.reference: row.code for row in rows}
    uses = Counter(codes.values())
    for at, row in enumerate(rows, start=1):
        if uses[row.code] > 1:
            yield Fault("children", at, row.reference, "code", "another child of the authority has this code: a free one is needed")


def _numbers(people: Sequence[PersonRow]) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for at, row in enumerate(people, start=1):
        if row.mobile is not None and owner.setdefault(row.mobile, row.reference) != row.reference:
            wanted = f"{owner[row.mobile]} has this number already: a text must come from one person"
            yield Fault("people", at, row.reference, "mobile", wanted)


def _scopes(directory: Sequence[DirectoryRow]) -> Iterator[Fault]:
    for at, row in enumerate(directory, start=1):
        if row.child is not None and not row.role.startswith(ONE_CHILDS):
            yield Fault("directory", at, "", "child", f"empty: {row.role} is the authority's, not one child's")


def _foreign_agencies(agencies: Sequence[AgencyRow], known: Known) -> Iterator[Fault]:
    seen: set[str] = set()
    for at, row in enumerate(agencies, start=1):
        if row.id in known.others_agencies:
            yield Fault("agencies", at, row.id, "id", "another authority lists an agency of this name: a free one is needed")
        for source in row.sources:
            if source in known.others_sources or source in seen:
                yield Fault("agencies", at, row.id, "sources", "a source may stand on one agency's list only")
            seen.add(source)
