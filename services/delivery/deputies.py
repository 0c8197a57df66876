"""Who of a role's holders is asked where an earlier one could not be reached, was away or said no."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.delivery.parcel import State
from services.delivery.tables import deliveries
from services.safeguarding.identifiers import PersonId


async def failed(connection: AsyncConnection, duty: UUID) -> frozenset[PersonId]:
    """To whom a telling of this duty did not arrive, or who cannot act on it."""
    found = await connection.execute(
        select(deliveries.c.person).where(
            deliveries.c.duty == duty, deliveries.c.state == State.FAILED, deliveries.c.person.is_not(None)
        )
    )
    return frozenset(found.scalars())


async def told(connection: AsyncConnection, duty: UUID) -> frozenset[PersonId]:
    """Whoever a telling of this duty went to."""
    found = await connection.execute(
        select(deliveries.c.person).where(deliveries.c.duty == duty, deliveries.c.person.is_not(None))
    )
    return frozenset(found.scalars())
