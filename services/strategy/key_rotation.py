"""What strategy brings under the newest keys: from whom an answer comes is found by the address's hash."""

from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.queue.key_rotation import FIRST
from services.platform.delivery.queue.repository import RECIPIENT
from services.platform.delivery.tables import deliveries
from services.platform.register.key_rotation import AT_ONCE, Batch, Hashed, Renews, hashed_anew
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.strategy.discussions.tables import attendees

REHASH = (
    update(attendees)
    .where(attendees.c.delivery == bindparam("of"), attendees.c.address_hash == bindparam("before"))
    .values(address_hash=bindparam("after"))
)


async def addresses(uow: UnitOfWork, keyring: Keyring, after: str) -> Batch:
    """Of whom was invited so long ago that the mail is forgotten, nobody knows the address, and nobody answers: its hash goes too."""
    found = await uow.connection.execute(
        select(
            attendees.c.delivery,
            func.coalesce(deliveries.c.key_owner, ""),
            deliveries.c.recipient,
            attendees.c.address_hash,
        )
        .outerjoin(deliveries, deliveries.c.id == attendees.c.delivery)
        .where(attendees.c.address_hash.is_not(None), attendees.c.delivery > (UUID(after) if after else FIRST))
        .order_by(attendees.c.delivery)
        .limit(AT_ONCE)
    )
    rows = [Hashed(*row) for row in found]
    anew, shut = await hashed_anew(uow, keyring, rows, RECIPIENT, spelt=spelt)
    if anew:
        await uow.connection.execute(REHASH, anew)
    return Batch(str(rows[-1].of) if rows else None, len(anew), shut)


RENEWS: dict[str, Renews] = {"addresses of whom was invited": addresses}
