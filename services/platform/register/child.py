"""Holds what rules may ask about a child: clear columns only, so the protocol needs no key.

Names a child at the console: by its code, or by name for somebody on duty who has said why they must know.
"""

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from services.platform.register.keys import Decryptor
from services.platform.register.police_notice import CarerFacts, address_of, carers_at, description_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId, Scope

Known: TypeAlias = dict[str, object]
"""By name of the fact. None means unknown."""

NAMES = (
    "authority force placement host_authority adult_on unaccompanied modern_slavery_concern "
    "subject_to_immigration_control age_disputed guardian_allocated entered_care_at carers"
)
UNKNOWN: Known = dict.fromkeys(NAMES.split())
BY_CHILD = "SELECT * FROM register.for_protocol WHERE child = ANY(%(children)s::text[])"
AT_PLACEMENT = """
    SELECT placement, authority, force, host_authority FROM register.placements_for_protocol
    WHERE placement = %(placement)s::text
"""
FIRST_AUTHORITY = "SELECT min(authority) FROM register.placements_for_protocol"
AUTHORITY = "SELECT authority FROM register.for_protocol WHERE child = %(child)s"
MISSING_NOW = "SELECT missing FROM register.missing_now WHERE authority = %(authority)s"


def facts_by_child(wanted: Collection[ChildId]) -> Query[dict[ChildId, Known]]:
    """Leaves out each child that the register does not know."""
    return Query(BY_CHILD, {"children": list(wanted)}, _by_child)


def facts_at_placement(placement: PlacementId | None) -> Query[Known]:
    """The facts of a child that the register does not know: `placement`'s authority and force, all else unknown."""
    return Query(AT_PLACEMENT, {"placement": placement}, lambda rows: UNKNOWN | (rows[0]._asdict() if rows else {}))


def first_authority() -> Query[AuthorityId | None]:
    """The first by name. None: the register is empty."""
    return Query(FIRST_AUTHORITY, {}, scalar)


def _by_child(rows: Rows) -> dict[ChildId, Known]:
    return {row.child: {name: getattr(row, name) for name in UNKNOWN} for row in rows}


def missing_now(authority: AuthorityId) -> Query[int]:
    """How many of the authority's children are not back, as the console knows it."""
    return Query(MISSING_NOW, {"authority": authority}, lambda rows: rows[0].missing if rows else 0)


def authority_of_child(child: ChildId) -> Query[AuthorityId | None]:
    """Who is responsible now. None: the register does not know the child."""
    return Query(AUTHORITY, {"child": child}, scalar)


@dataclass(frozen=True, slots=True)
class Identity:
    """None is a gap: not recorded, or erased."""

    code: str
    name: str | None
    known_as: tuple[str, ...]
    sex: str | None
    language: str | None
    description: str | None
    profile: Mapping[str, str]
    date_of_birth: date | None
    age_disputed: bool | None
    has_photograph: bool
    address: str | None
    address_as_of: datetime | None
    carers: tuple[CarerFacts, ...]


CODES = """
    SELECT child, code FROM register.for_console
    WHERE child = ANY(%(children)s::text[]) AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
"""
IDENTITY = """
    SELECT * FROM register.for_duty_desk
    WHERE child = %(child)s AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
"""
AT_HOME = """
    SELECT child, placement, address, placement_key, carers, carer_names, carer_keys
    FROM register.for_duty_desk
    WHERE placement IS NOT NULL AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
"""
CODE = "SELECT code FROM register.codes_of_children WHERE child = %(child)s"
BY_CODE = """
    SELECT child FROM register.for_console WHERE authority = %(authority)s AND code = upper(%(code)s) LIMIT 1
"""
CARED_FOR = """
    SELECT placement, array_agg(child) FILTER (WHERE child IS NOT NULL) AS children FROM register.reporters_for_console
    WHERE authority = %(authority)s AND number_hash = ANY(%(numbers)s::bytea[]) GROUP BY placement
"""


OF_CALLER = """
    SELECT DISTINCT child FROM register.reporters_for_console WHERE number_hash = ANY(%(numbers)s::bytea[])
    AND child IS NOT NULL AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
"""


def codes_of_children(children: Collection[ChildId], authorities: Scope = None) -> Query[dict[ChildId, str]]:
    """Codes by child. Leaves out those that the register does not know, such as provisional ones, or that none of the
    authorities holds.
    """
    asked = {"children": list(children), "authorities": authorities}
    return Query(CODES, asked, lambda rows: {row.child: row.code for row in rows})


def code_of_child(child: ChildId, known: MutableMapping[Any, Any]) -> Query[str | None]:
    """What texts call the child, asked once while it is in `known`. None where the register does not know it."""
    return Query(CODE, {"child": child}, scalar, known)


def child_by_code(authority: AuthorityId, code: str) -> Query[ChildId | None]:
    return Query(BY_CODE, {"authority": authority, "code": code}, scalar)


def cared_for_by(authority: AuthorityId, numbers: Sequence[bytes]) -> Query[tuple[PlacementId | None, list[ChildId]]]:
    """Where the carer of this number lives or works, and the children there. None where it is not one placement.

    `numbers`: the number's hash under each phone key.
    """

    def decode(rows: Rows) -> tuple[PlacementId | None, list[ChildId]]:
        return (rows[0].placement if len(rows) == 1 else None, [child for row in rows for child in row.children or ()])

    return Query(CARED_FOR, {"authority": authority, "numbers": list(numbers)}, decode)


def children_of_caller(authorities: Scope, numbers: Sequence[bytes]) -> Query[list[ChildId]]:
    """The children where the carer of this number lives or works. `numbers`: its hash under each phone key."""
    asked = {"authorities": authorities, "numbers": list(numbers)}
    return Query(OF_CALLER, asked, lambda rows: [row.child for row in rows])


def identity_of_child(keyring: Keyring, child: ChildId, authorities: Scope) -> Query[Identity | None]:
    """None where none of the authorities holds the child: one that was given away is no longer theirs."""
    asked = {"child": child, "authorities": authorities}
    return Query(IDENTITY, asked, lambda rows: _identity(keyring, rows[0]) if rows else None)


def children_at_home(keyring: Keyring, authorities: Scope, words: str) -> Query[list[ChildId]]:
    """The children whose address, or a carer's name, holds these words. It opens those of every home of these
    authorities, once each.
    """
    sought = words.casefold()

    def lines_of(row: Any) -> Iterator[str | None]:
        yield address_of(keyring, row)
        for person, name, key in zip(row.carers or (), row.carer_names or (), row.carer_keys or (), strict=True):
            yield Decryptor(keyring, person, key).open(name, "people.name")

    def decode(rows: Rows) -> list[ChildId]:
        homes = {row.placement: row for row in rows}
        found = {
            name for name, row in homes.items() if any(sought in (each or "").casefold() for each in lines_of(row))
        }
        return [row.child for row in rows if row.placement in found]

    return Query(AT_HOME, {"authorities": authorities}, decode)


def _identity(keyring: Keyring, row: Any) -> Identity:
    return Identity(
        **description_of(Decryptor(keyring, row.child, row.child_key), row),
        address=None if row.placement is None else address_of(keyring, row),
        address_as_of=row.as_of,
        carers=carers_at(keyring, row),
    )
