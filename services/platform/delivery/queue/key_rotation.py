"""Brings the number hashes of deliveries, which find what a texted code answers, under the newest phone key."""

from uuid import UUID

from services.platform.delivery.queue.repository import RECIPIENT
from services.platform.register.key_rotation import AT_ONCE, Batch, Hashed, rehash
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

FIRST = UUID(int=0)
TEXTED = """
    SELECT id, key_owner, recipient, number_hash FROM delivery.deliveries
    WHERE number_hash IS NOT NULL AND id > %(after)s ORDER BY id LIMIT %(most)s
"""
REHASH = "UPDATE delivery.deliveries SET number_hash = %(after)s WHERE id = %(of)s AND number_hash = %(before)s"


async def texted_numbers(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Rotates this service's rows alone: row-level security hides the others."""
    asked = {"after": UUID(after) if after else FIRST, "most": AT_ONCE}
    rows = await uow.fetch(Query(TEXTED, asked, lambda found: [Hashed(*row) for row in found]))
    return await rehash(uow, keyring, rows, RECIPIENT, REHASH)
