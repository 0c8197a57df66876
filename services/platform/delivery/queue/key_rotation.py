"""Brings the number hashes of deliveries under the newest phone key: they find the telling that a texted code answers."""

from uuid import UUID

from sqlalchemy import bindparam, select, update

from services.platform.delivery.queue.repository import RECIPIENT
from services.platform.delivery.tables import deliveries
from services.platform.register.key_rotation import AT_ONCE, Batch, Hashed, hashed_anew
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork

FIRST = UUID(int=0)
REHASH = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of"), deliveries.c.number_hash == bindparam("before"))
    .values(number_hash=bindparam("after"))
)


async def texted_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Rotates this service's rows alone: row-level security hides the others."""
    found = await uow.connection.execute(
        select(*deliveries.c["id", "key_owner", "recipient", "number_hash"])
        .where(deliveries.c.number_hash.is_not(None), deliveries.c.id > (UUID(after) if after else FIRST))
        .order_by(deliveries.c.id)
        .limit(AT_ONCE)
    )
    rows = [Hashed(*row) for row in found]
    anew, shut = await hashed_anew(uow, keyring, rows, RECIPIENT)
    if anew:
        await uow.connection.execute(REHASH, anew)
    return Batch(str(rows[-1].of) if rows else None, len(anew), shut)
