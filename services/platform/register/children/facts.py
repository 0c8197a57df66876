"""Holds what rules may ask about a child: clear columns only, so the protocol needs no key."""

from collections.abc import Collection
from typing import TypeAlias

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select

from services.platform.register.views import for_protocol as children
from services.platform.register.views import placements_for_protocol as placements
from services.platform.store.query import Query, Rows, as_sql, scalar
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId

Known: TypeAlias = dict[str, object]
"""By name of the fact. None means unknown."""

UNKNOWN: Known = {each.name: None for each in children.c if each.name != "child"}
BY_CHILD = as_sql(select(children).where(children.c.child == any_(bindparam("children", type_=ARRAY(Text)))))
AT_PLACEMENT = as_sql(select(placements).where(placements.c.placement == bindparam("placement", type_=Text)))
FIRST_AUTHORITY = as_sql(select(func.min(placements.c.authority)))


def facts_by_child(wanted: Collection[ChildId]) -> Query[dict[ChildId, Known]]:
    """Leaves out each child that the register does not know."""
    return Query(BY_CHILD, {"children": list(wanted)}, _by_child)


def facts_at_placement(placement: PlacementId | None) -> Query[Known]:
    """Of a child that the register does not know: authority and force are those of `placement`, all else is unknown."""
    return Query(AT_PLACEMENT, {"placement": placement}, lambda rows: UNKNOWN | (rows[0]._asdict() if rows else {}))


def first_authority() -> Query[AuthorityId | None]:
    """By name. None: the register is empty."""
    return Query(FIRST_AUTHORITY, {}, scalar)


def _by_child(rows: Rows) -> dict[ChildId, Known]:
    return {row.child: {name: getattr(row, name) for name in UNKNOWN} for row in rows}


AUTHORITY = as_sql(select(children.c.authority).where(children.c.child == bindparam("child", type_=Text)))
MISSING_NOW = "SELECT missing FROM register.missing_now WHERE authority = %(authority)s"


def missing_now(authority: AuthorityId) -> Query[int]:
    """How many of the authority's children are not back, as the console knows it."""
    return Query(MISSING_NOW, {"authority": authority}, lambda rows: rows[0].missing if rows else 0)


def authority_of_child(child: ChildId) -> Query[AuthorityId | None]:
    """Who is responsible now. None: the register does not know the child."""
    return Query(AUTHORITY, {"child": child}, scalar)
