"""What rules may ask about a child: clear columns only, so the protocol needs no key."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.views import for_protocol as children
from services.platform.register.views import placements_for_protocol as placements
from services.platform.store.query import as_sql, execute_pipelined
from services.safeguarding.identifiers import ChildId, PlacementId

ASKED = tuple(each.name for each in children.c if each.name != "child")


ASK = as_sql(
    select(children.c.child, *(children.c[each] for each in ASKED)).where(
        children.c.child == any_(bindparam("children", type_=ARRAY(Text)))
    )
)
"""For who asks it together with something else. Gives nothing of a child that the register does not know."""
AT_PLACEMENT = select(placements).where(placements.c.placement == bindparam("placement"))


def known(rows: Sequence[Sequence[Any]]) -> dict[str, dict[str, object]]:
    """What `ASK` gave, by child. A value of None means unknown."""
    return {child: dict(zip(ASKED, values, strict=True)) for child, *values in rows}


async def at_placement(connection: AsyncConnection, placement: PlacementId | None) -> dict[str, object]:
    """Of a child that the register does not know: authority and force are those of `placement`, all else is unknown."""
    unknown: dict[str, object] = dict.fromkeys(ASKED)
    if placement is None:
        return unknown
    where = (await connection.execute(AT_PLACEMENT, {"placement": placement})).mappings().first()
    return unknown if where is None else unknown | dict(where)


async def for_protocol(connection: AsyncConnection, child: ChildId) -> dict[str, object]:
    """None means unknown."""
    [rows] = await execute_pipelined(connection, (ASK, {"children": [child]}))
    return known(rows).get(child) or dict.fromkeys(ASKED)
