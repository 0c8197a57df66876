"""A delivery that somebody opened behind a link: what it is, how it stands, and the record that it was read."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from services.bus.envelope import say
from services.delivery import rows
from services.delivery.parcel import Parcel, State
from services.delivery.rows import BODY
from services.delivery.tables import deliveries
from services.police.notice import Notice
from services.register.keys import data_key
from services.runtime.clocks import Clocks
from services.safeguarding.evidence import RegisterLookedUp
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True)
class Opened:
    parcel: Parcel
    state: State
    notice: Notice


async def opened(transaction: Transaction, keyring: Keyring, delivery: UUID) -> Opened | None:
    """Held to the transaction's end. None where it was never sent, or is gone."""
    found = await rows.hold(transaction, delivery)
    body = await transaction.connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery))
    if found is None or body is None:
        return None
    key = await data_key(transaction.connection, keyring, found[0].owner)
    return Opened(*found, Notice.model_validate_json(key.open(body, BODY)))


async def record_reading(
    transaction: Transaction, clocks: Clocks, found: Opened, purpose: str, fields: tuple[str, ...]
) -> None:
    """For the audit: which fields an officer read, and never what they said. A test is about nobody."""
    authority = found.parcel.authority
    if authority is None or not fields:
        return
    await say(
        transaction,
        RegisterLookedUp(authority=authority, purpose=purpose, fields=fields, delivery=found.parcel.id),
        said_by="police",
        subject=found.parcel.child,
        at=clocks.story(),
        now=clocks.wall(),
        exercise=found.parcel.exercise,
        trace=found.parcel.trace,
    )
