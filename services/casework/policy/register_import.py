"""Checks each row of an import. Names faults by table, row and field, with the correct form, never the wrong value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from services.casework.policy.rows import (
    FED,
    TABLES,
    AgencyAgreementRow,
    AuthorityRow,
    CarerRow,
    ChildRow,
    DirectoryRow,
    PersonRow,
    PlacementRow,
    Row,
    SharingAgreementRow,
)

NO_TABLE = f"no such table: the tables are {', '.join(TABLES)}"
NOT_THEIRS = {
    "forces": "a force owns its row: name its id in placements and sharing_agreements, and leave this table out"
}
NEVER = datetime.min.replace(tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_FAULTS = 500
"""By then it is clear that the whole file is wrong."""
Named = dict[str, list[str]]
"""Fields of people, by their references."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`row` counts from 1, without a heading. The last three are of the sender's own file, if a mapping read it."""

    table: str
    row: int
    reference: str
    field: str
    wanted: str
    file: str | None = None
    line: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class KnownReferences:
    """The register before the import. `placements`, `people` and `children`: our ids by the authority's references."""

    authority: bool = False
    forces: frozenset[str] = frozenset()
    placements: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    children: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    """Children's, by reference."""
    given_away: frozenset[str] = frozenset()
    """References of children who have moved to another authority."""
    agencies: frozenset[str] = frozenset()
    """Forces and agencies are everybody's: an import names them by id, and changes nothing of them."""
    as_of: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    """By table and key, the time as of which the register has the row."""


@dataclass(frozen=True, slots=True)
class Import:
    """Each table's rows by their number. A table that was not given is None and stays unchanged. `feed`: single rows
    alone, so that rows which are left out stay in every table.
    """

    authority: AuthorityRow | None = None
    placements: Mapping[int, PlacementRow] | None = None
    people: Mapping[int, PersonRow] | None = None
    carers: Mapping[int, CarerRow] | None = None
    children: Mapping[int, ChildRow] | None = None
    directory: Mapping[int, DirectoryRow] | None = None
    sharing_agreements: Mapping[int, SharingAgreementRow] | None = None
    agencies: Mapping[int, AgencyAgreementRow] | None = None
    feed: bool = False
    left_out: frozenset[str] = frozenset()
    """References of faulty rows, so that rows which refer to them are not called faulty too."""

    def rows(self, table: str) -> Mapping[int, Any]:
        """Empty for a table that was not given."""
        return getattr(self, table) or {}


def read(document: Mapping[str, Any], authority: str, *, feed: bool = False) -> tuple[Import, list[Fault]]:
    """The authority's import without its faulty rows, and the faults of single rows. After MOST_FAULTS it reads on no
    further.
    """
    faults: list[Fault] = []
    given: dict[str, Any] = {}
    unknown = [name for name in document if name != "authority" and name not in TABLES]
    faults += [Fault(name[:60], 0, "", "", NOT_THEIRS.get(name, NO_TABLE)) for name in unknown]
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
        given[name] = {}
        for at, content in enumerate(document[name], start=1):
            if len(faults) >= MOST_FAULTS:
                break
            if (row := _row(name, at, row_class, content, faults)) is not None:
                given[name][at] = row
    return Import(**given, feed=feed, left_out=frozenset(fault.reference for fault in faults)), faults


def age_faults(given: Import, now: datetime) -> Iterator[Fault]:
    """A row from the future would keep out every later one until then."""
    for table in FED:
        for at, row in given.rows(table).items():
            if row.as_of is None and given.feed:
                yield Fault(table, at, row.named, "as_of", "the time at which your system had the row so is needed")
            elif row.as_of is not None and row.as_of > now + CLOCKS_DIFFER:
                yield Fault(table, at, row.named, "as_of", "a time that is not in the future is needed")


def drop_older(given: Import, known: KnownReferences) -> tuple[Import, dict[str, int]]:
    """The import without rows that are no newer than the register's, and how many these were by table. So the order in
    which rows arrive makes no difference. A whole list of carers holds, however old.
    """
    kept: dict[str, Any] = {}
    older: dict[str, int] = {}
    for table in (each for each in FED if given.feed or each != "carers"):
        rows, stored = given.rows(table), known.as_of.get(table, {})
        newer = {at: row for at, row in rows.items() if row.as_of is None or row.as_of > stored.get(row.key, NEVER)}
        if len(newer) < len(rows):
            kept[table], older[table] = newer, len(rows) - len(newer)
    return replace(given, **kept), older


def give_codes(given: Import, known: KnownReferences) -> Import:
    """Each child that comes without a code keeps its own, or gets the first that is free."""
    if given.children is None:
        return given
    named = {row.code for row in given.children.values()} | {*known.codes.values()}
    free = (code for letter in "CDEFGHJK" for n in range(1, 10_000) if (code := f"{letter}{n}") not in named)
    children = {
        at: row if row.code else row.model_copy(update={"code": known.codes.get(row.reference) or next(free)})
        for at, row in given.children.items()
    }
    return replace(given, children=children)


def drop_given_away(given: Import, known: KnownReferences) -> tuple[Import, tuple[str, ...]]:
    """The import without children who have moved to another authority and their lines of the directory, and the
    references of these children. The rest of a file that does not yet know of a transfer is still imported.
    """
    children, directory = given.children or {}, given.directory or {}
    named = {row.reference for row in children.values()} | {row.child for row in directory.values()}
    passed_over = tuple(sorted(each for each in named if each is not None and each in known.given_away))
    kept: dict[str, Any] = {}
    if given.children is not None:
        kept["children"] = {at: row for at, row in children.items() if row.reference not in passed_over}
    if given.directory is not None:
        kept["directory"] = {at: row for at, row in directory.items() if row.child not in passed_over}
    return replace(given, **kept), passed_over


def keep_corrections(given: Import, corrected: Mapping[str, Mapping[str, str | None]]) -> tuple[Import, Named, Named]:
    """The import with corrections by hand put over it; the fields in which one was kept, since the source says
    otherwise; and those in which the source agrees by now. `corrected`: by reference and field.
    """
    people, kept, agreed = dict(given.people or {}), Named(), Named()
    for at, row in people.items():
        by_hand = corrected.get(row.reference, {})
        differs = {name: value for name, value in by_hand.items() if getattr(row, name) != value}
        if differs:
            kept[row.reference] = [*differs]
            people[at] = row.model_copy(update=differs)
        if agrees := [name for name in by_hand if name not in differs]:
            agreed[row.reference] = agrees
    return (given if given.people is None else replace(given, people=people)), kept, agreed


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
