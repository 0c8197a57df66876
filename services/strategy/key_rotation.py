"""Renews the hashes of attendees' addresses under the newest phone key: the sender of a reply is found by this hash."""

from uuid import UUID

from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.queue.repository import FIRST, RECIPIENT
from services.platform.register.keys import AT_ONCE, Batch, Hashed, Renews, rehash
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

ADDRESSES = """
    SELECT a.delivery, coalesce(sent.key_owner, ''), sent.recipient, a.address_hash
    FROM attendees AS a LEFT JOIN delivery.deliveries AS sent ON sent.id = a.delivery
    WHERE a.address_hash IS NOT NULL AND a.delivery > %(after)s ORDER BY a.delivery LIMIT %(most)s
"""
REHASH = "UPDATE attendees SET address_hash = %(after)s WHERE delivery = %(of)s AND address_hash = %(before)s"


async def renew_addresses(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Once an old invitation's mail is forgotten, nobody knows the address or answers: its hash goes too."""
    position = {"after": UUID(after) if after else FIRST, "most": AT_ONCE}
    rows = await uow.fetch(Query(ADDRESSES, position, lambda found: [Hashed(*row) for row in found]))
    return await rehash(uow, keyring, rows, RECIPIENT, REHASH, spelt)


RENEWS: dict[str, Renews] = {"addresses of attendees": renew_addresses}
