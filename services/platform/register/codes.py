"""By what code the authority's staff name a child: all that a page for operators may know."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.views import for_console
from services.safeguarding.identifiers import ChildId


async def of(connection: AsyncConnection, children: Collection[ChildId]) -> dict[ChildId, str]:
    """A child that the register does not know, such as a provisional one, is left out."""
    chosen = select(for_console.c.child, for_console.c.code).where(for_console.c.child.in_(children))
    return {row.child: row.code for row in await connection.execute(chosen)}
