"""Many mails to one reader at once become one: it names each, and each is accepted and acknowledged for itself."""

import hashlib
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN
from sqlalchemy.dialects.postgresql import insert

from services.delivery import email
from services.delivery.parcel import Fixed, Parcel, State
from services.delivery.rows import BODY, parcel_of
from services.delivery.tables import deliveries
from services.professionals.asking import Asking, duty_of
from services.register.contact import Contact
from services.register.keys import data_key
from services.register.views import rota
from services.runtime.clocks import Clocks
from services.store.encryption import Keyring
from services.store.transaction import Transaction

AT_MOST = 20
"""In one mail. What is more goes in the next."""
_uuid = UUID_COLUMN(as_uuid=True)
grouped = Table(
    "grouped",
    MetaData(schema="professionals"),
    Column("delivery", _uuid, primary_key=True),
    Column("leader", _uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)


@dataclass(frozen=True)
class Grouping:
    """`leader` is the delivery whose mail the others go with. Everything within the transaction that fixes a mail."""

    keyring: Keyring
    clocks: Clocks

    async def rides(self, transaction: Transaction, parcel: Parcel, reader: Contact) -> Fixed | None:
        """The mail that this one went into, if it did. One reader's mails are fixed one after the other from here on."""
        await transaction.connection.execute(select(func.pg_advisory_xact_lock(_lock(reader.person))))
        leader = await transaction.connection.scalar(
            select(grouped.c.leader).where(grouped.c.delivery == parcel.id, grouped.c.leader != parcel.id)
        )
        if leader is None:
            return None
        found = await transaction.connection.execute(
            select(deliveries.c.body, deliveries.c.key_owner).where(deliveries.c.id == leader)
        )
        row = found.first()
        if row is None or row.body is None:
            return None
        key = await data_key(transaction.connection, self.keyring, row.key_owner)
        body = key.open(row.body, BODY)
        return Fixed(reader.email or "", body, person=reader.person, read=("person.email",))

    async def gather(self, transaction: Transaction, parcel: Parcel, reader: Contact) -> list[Parcel]:
        """What else waits for this reader, untried; from now on it goes with this one. Exercises go with exercises."""
        mine = []
        for other in await self._waiting(transaction, parcel, reader):
            found = await Asking(self.keyring, self.clocks).first(
                transaction, other, duty_of(other), lambda each: each.email
            )
            if isinstance(found, Contact) and found.person == reader.person:
                mine.append(other)
        if mine:
            now = self.clocks.wall()
            lines = [{"delivery": each.id, "leader": parcel.id, "at": now} for each in (parcel, *mine)]
            await transaction.connection.execute(insert(grouped).on_conflict_do_nothing(), lines)
        return mine

    async def _waiting(self, transaction: Transaction, parcel: Parcel, reader: Contact) -> list[Parcel]:
        held = exists().where(
            rota.c.person == reader.person,
            rota.c.role == deliveries.c.role,
            or_(rota.c.child.is_(None), rota.c.child == deliveries.c.child),
        )
        found = await transaction.connection.execute(
            select(deliveries)
            .where(
                deliveries.c.lane == email.LANE,
                deliveries.c.state == State.WAITING,
                deliveries.c.attempts == 0,
                deliveries.c.body.is_(None),
                deliveries.c.withdrawn_at.is_(None),
                deliveries.c.id != parcel.id,
                deliveries.c.exercise == parcel.exercise,
                held,
                ~exists().where(and_(grouped.c.delivery == deliveries.c.id)),
            )
            .order_by(deliveries.c.created_at, deliveries.c.id)
            .limit(AT_MOST - 1)
        )
        return [parcel_of(cast("dict[str, Any]", row)) for row in found.mappings()]


async def together(transaction: Transaction, leader: UUID) -> list[UUID]:
    """Every delivery in this mail, in the order in which the mail names them: its own first. Alone where it was not grouped."""
    found = await transaction.connection.execute(
        select(grouped.c.delivery)
        .join(deliveries, deliveries.c.id == grouped.c.delivery)
        .where(grouped.c.leader == leader, grouped.c.delivery != leader)
        .order_by(deliveries.c.created_at, deliveries.c.id)
    )
    return [leader, *found.scalars()]


def _lock(person: str) -> int:
    return int.from_bytes(hashlib.sha256(f"mails to {person}".encode()).digest()[:8], signed=True)
