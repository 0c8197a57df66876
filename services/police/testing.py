"""A test of a force's connection: a notice about nobody, sent as every notice is, and answered as every notice is."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import update

from services.delivery import rows
from services.delivery.parcel import Parcel, State
from services.delivery.tables import deliveries
from services.police.sending import force_of, lane_of
from services.register import forces
from services.safeguarding.identifiers import ForceId
from services.store.encryption import Keyring
from services.store.transaction import Transaction


async def put(transaction: Transaction, keyring: Keyring, force: ForceId, now: datetime) -> Parcel:
    """The running service takes it up within half a second. `now` is wall time."""
    owner = forces.owner_of(force)
    parcel = Parcel(id=uuid4(), lane=lane_of(force), child=owner, created_at=now, exercise=True, key_owner=owner)
    await rows.put(transaction, "police", parcel, keyring, None)
    return parcel


def is_test_of(parcel: Parcel, force: ForceId) -> bool:
    return parcel.duty is None and force_of(parcel) == force


async def answered(transaction: Transaction, parcel: Parcel, now: datetime) -> None:
    """A person there has seen the test."""
    await transaction.connection.execute(
        update(deliveries).where(deliveries.c.id == parcel.id).values(state=State.ACKNOWLEDGED, changed_at=now)
    )
