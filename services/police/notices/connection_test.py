"""Tests a force's connection with a notice about nobody, which is sent and answered as every notice is."""

from datetime import datetime
from uuid import UUID, uuid4

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as delivery_repository
from services.platform.register.organisations import forces
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.police.notices.sender import lane_of
from services.safeguarding.identifiers import ForceId


async def put_test(
    uow: UnitOfWork, keyring: Keyring, force: ForceId, now: datetime, change: UUID | None = None
) -> Delivery:
    """The running service hears of it and sends it; of a proposed `change`, to its address and with its keys. `now` is
    wall time.
    """
    owner = forces.owner_of(force)
    delivery = Delivery(
        id=uuid4(), lane=lane_of(force, change), child=owner, created_at=now, exercise=True, key_owner=owner
    )
    await delivery_repository.put(uow, "police", delivery, keyring, None)
    uow.notify(delivery_repository.channel_of("police"))
    return delivery
