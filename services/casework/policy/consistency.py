"""Checks the rows of an import against each other and against the register."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from services.casework.policy.register_import import Fault, Import, KnownReferences
from services.casework.policy.rows import TABLES, DirectoryRow, PersonRow

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
        for field in ("date_of_birth", "claimed_date_of_birth"):
            if (born := getattr(row, field)) is not None and born > today:
                yield Fault("children", at, row.reference, field, "a day that is not in the future is needed")


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
        for table, field, at, reference in by_number or [
            each for each in (*carers, *people_on_directory) if each[-1] in group
        ]:
            others = ", ".join(sorted(set(group) - {reference}))
            wanted = f"{others} of the register has this number, and cares or is on the directory: a text must come from one person"
            faults.append(Fault(table, at, reference, field, wanted))
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
