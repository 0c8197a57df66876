"""What rules may ask about a child: clear columns only, so the protocol needs no key."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import for_protocol as children
from services.register.views import placements_for_protocol as placements
from services.safeguarding.identifiers import ChildId, PlacementId
from services.store.pipeline import as_sql, at_once

ASKED = tuple(each.name for each in children.c if each.name != "child")


ASK = as_sql(select(*(children.c[each] for each in ASKED)).where(children.c.child == bindparam("child")))
"""For who asks it together with something else: the row's columns are `ASKED`."""
AT_PLACEMENT = select(placements).where(placements.c.placement == bindparam("placement"))


def known(rows: Sequence[Sequence[Any]]) -> dict[str, object] | None:
    """What `ASK` gave. A value of None means unknown; None, that the register does not know the child."""
    return dict(zip(ASKED, rows[0], strict=True)) if rows else None


async def at_placement(connection: AsyncConnection, placement: PlacementId | None) -> dict[str, object]:
    """Of a child that the register does not know: authority and force are those of `placement`, all else is unknown."""
    unknown: dict[str, object] = dict.fromkeys(ASKED)
    if placement is None:
        return unknown
    where = (await connection.execute(AT_PLACEMENT, {"placement": placement})).mappings().first()
    return unknown if where is None else unknown | dict(where)


async def for_protocol(
    connection: AsyncConnection, child: ChildId, *, placement: PlacementId | None = None
) -> dict[str, object]:
    """None means unknown."""
    [rows] = await at_once(connection, (ASK, {"child": child}))
    return known(rows) or await at_placement(connection, placement)
