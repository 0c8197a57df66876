"""Holds what rules may ask about a child: clear columns only, so the protocol needs no key."""

from collections.abc import Collection
from typing import TypeAlias

from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId

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
