"""Brings the number hashes of deliveries under the newest phone key: they find the telling that a texted code answers."""

from uuid import UUID

from sqlalchemy import text

from services.platform.delivery.queue.repository import RECIPIENT
from services.platform.register.key_rotation import AT_ONCE, Batch, Hashed, hashed_anew
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

FIRST = UUID(int=0)
TEXTED = """
    SELECT id, key_owner, recipient, number_hash FROM delivery.deliveries
    WHERE number_hash IS NOT NULL AND id > %(after)s ORDER BY id LIMIT %(most)s
"""
REHASH = text("UPDATE delivery.deliveries SET number_hash = :after WHERE id = :of AND number_hash = :before")


async def texted_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Rotates this service's rows alone: row-level security hides the others."""
    asked = {"after": UUID(after) if after else FIRST, "most": AT_ONCE}
    rows = await uow.fetch(Query(TEXTED, asked, lambda found: [Hashed(*row) for row in found]))
    anew, shut = await hashed_anew(uow, keyring, rows, RECIPIENT)
    if anew:
        await uow.connection.execute(REHASH, anew)
    return Batch(str(rows[-1].of) if rows else None, len(anew), shut)
