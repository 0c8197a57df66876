"""What rules may ask about a child: clear columns only, so the protocol needs no key."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.register.views import for_protocol as children
from services.register.views import placements_for_protocol as placements
from services.safeguarding.identifiers import ChildId, PlacementId

ASKED = tuple(each.name for each in children.c if each.name != "child")


async def for_protocol(
    connection: AsyncConnection, child: ChildId, *, placement: PlacementId | None = None
) -> dict[str, object]:
    """None means unknown. Of a child that the register does not know, authority and force are those of `placement`."""
    known: dict[str, object] = dict.fromkeys(ASKED)
    found = (await connection.execute(select(children).where(children.c.child == child))).mappings().first()
    if found is not None:
        return known | {each: found[each] for each in ASKED}
    if placement is None:
        return known
    where = (await connection.execute(select(placements).where(placements.c.placement == placement))).mappings().first()
    return known if where is None else known | dict(where)
