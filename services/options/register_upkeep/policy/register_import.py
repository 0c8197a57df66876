"""Checks the rows of an import, each by itself, against each other and against the register.

Names faults by table, row and field, with the correct form, never the wrong value. Stops an import that would end many
lines at once: more probably a broken export than a council's wish.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from services.options.register_upkeep.policy.rows import (
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


ORGANISATIONS = {"force": "force", "id": "agency"}
"""Fields that point to what no import brings, and what that is."""
ROLES_FOR_ONE_CHILD = ("child.", "police.", "home-office.", "area.")
"""Prefixes of roles held for one child. A child's force, desk or area may also differ from the authority's own."""


def cross_faults(given: Import, known: KnownReferences) -> list[Fault]:
    """Every such fault, in the order of the tables."""
    if given.authority is None and not known.authority:
        return [Fault("authority", 0, "", "", "the register does not know this authority yet: import it whole first")]
    return [
        *_repeated(given),
        *_dangling(given, known),
        *_codes(given, known),
        *_numbers(given.people or {}),
        *_scopes(given.directory or {}),
    ]


def birth_faults(given: Import, today: date) -> Iterator[Fault]:
    """A birth date in the future is a slip of the pen, and rules of age would go wrong by it."""
    for at, row in (given.children or {}).items():
        for name in ("date_of_birth", "claimed_date_of_birth"):
            if (born := getattr(row, name)) is not None and born > today:
                yield Fault("children", at, row.reference, name, "a day that is not in the future is needed")


def sharing_faults(given: Import, sharing: Collection[Collection[str]]) -> list[Fault]:
    """Faults where several people would text from one number. `sharing` holds, for each such number, the references of
    its people who are carers or on the directory after the import. A person who has left both may keep a number that a
    successor has.
    """
    faults: list[Fault] = []
    for group in sharing:
        numbered = [("people", "mobile", at, row.reference) for at, row in (given.people or {}).items()]
        carers = [("carers", "person", at, row.person) for at, row in (given.carers or {}).items()]
        people_on_directory = [("directory", "person", at, row.person) for at, row in (given.directory or {}).items()]
        by_number = [each for each in numbered if each[-1] in group]
        for table, name, at, reference in by_number or [
            each for each in (*carers, *people_on_directory) if each[-1] in group
        ]:
            others = ", ".join(sorted(set(group) - {reference}))
            wanted = f"{others} of the register has this number, and cares or is on the directory: a text must come from one person"
            faults.append(Fault(table, at, reference, name, wanted))
    return faults


def _repeated(given: Import) -> Iterator[Fault]:
    for table in (each for each in TABLES if each != "directory"):
        seen: set[str] = set()
        for at, row in given.rows(table).items():
            if row.key in seen:
                yield Fault(table, at, row.named, "", "an earlier row has the same key: one of the two is needed")
            seen.add(row.key)


def _dangling(given: Import, known: KnownReferences) -> Iterator[Fault]:
    placements = known.placements.keys() | {row.reference for row in (given.placements or {}).values()}
    people = known.people.keys() | {row.reference for row in (given.people or {}).values()}
    children = known.children.keys() | {row.reference for row in (given.children or {}).values()}
    pointers: tuple[tuple[str, str, Collection[str]], ...] = (
        ("placements", "force", known.forces),
        ("sharing_agreements", "force", known.forces),
        ("agencies", "id", known.agencies),
        ("carers", "person", people),
        ("carers", "placement", placements),
        ("children", "placement", placements),
        ("directory", "person", people),
        ("directory", "child", children),
    )
    for table, name, there in pointers:
        for at, row in given.rows(table).items():
            pointed = getattr(row, name)
            if pointed is not None and pointed not in there and pointed not in given.left_out:
                wanted = (
                    f"the id of a {ORGANISATIONS[name]} of the register is needed: it is entered by the operator"
                    if name in ORGANISATIONS
                    else f"the reference of a {name} in this import or in the register is needed"
                )
                yield Fault(table, at, row.named, name, wanted)


def _codes(given: Import, known: KnownReferences) -> Iterator[Fault]:
    rows = given.children or {}
    codes = dict(known.codes) | {row.reference: row.code or "" for row in rows.values()}
    uses = Counter(codes.values())
    for at, row in rows.items():
        if uses[row.code or ""] > 1:
            wanted = "another child of the authority has this code: a free one is needed"
            yield Fault("children", at, row.reference, "code", wanted)


def _numbers(people: Mapping[int, PersonRow]) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for at, row in people.items():
        if row.mobile is not None and owner.setdefault(row.mobile, row.reference) != row.reference:
            wanted = f"{owner[row.mobile]} has this number already: a text must come from one person"
            yield Fault("people", at, row.reference, "mobile", wanted)


def _scopes(directory: Mapping[int, DirectoryRow]) -> Iterator[Fault]:
    for at, row in directory.items():
        if row.child is not None and not row.role.startswith(ROLES_FOR_ONE_CHILD):
            yield Fault("directory", at, "", "child", f"empty: {row.role} is the authority's, not one child's")


AT_LEAST = 10
"""Fewer never stop an import: a small authority changes that many in a day."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many of the lines that were there an import ends, or takes to another number."""

    lost: int
    of: int


def excessive(losses: Mapping[str, Loss], share: float) -> dict[str, Loss]:
    """Those that a person has to confirm."""
    return {what: each for what, each in losses.items() if each.lost >= AT_LEAST and each.lost > share * each.of}
