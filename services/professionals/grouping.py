"""Many mails to one reader at once become one: it names each, and each is accepted and acknowledged for itself."""

import hashlib
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Select, Table, bindparam, exists, or_, select
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
from services.store.pipeline import at_once
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


LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"
MAIL_IT_RIDES_IN = """
    SELECT mail.body, mail.key_owner FROM professionals.grouped
    JOIN delivery.deliveries AS mail ON mail.id = grouped.leader
    WHERE grouped.delivery = %(delivery)s AND grouped.leader <> %(delivery)s AND mail.body IS NOT NULL
"""


def _waiting() -> Select[Any]:
    """Built once: each mail asks it."""
    held = exists().where(
        rota.c.person == bindparam("reader"),
        rota.c.role == deliveries.c.role,
        or_(rota.c.child.is_(None), rota.c.child == deliveries.c.child),
    )
    return (
        select(deliveries)
        .where(
            deliveries.c.lane == email.LANE,
            deliveries.c.state == State.WAITING,
            deliveries.c.attempts == 0,
            deliveries.c.body.is_(None),
            deliveries.c.withdrawn_at.is_(None),
            deliveries.c.id != bindparam("leads"),
            deliveries.c.exercise == bindparam("practice"),
            held,
            ~exists().where(grouped.c.delivery == deliveries.c.id),
        )
        .order_by(deliveries.c.created_at, deliveries.c.id)
        .limit(AT_MOST - 1)
    )


WAITING = _waiting()


@dataclass(frozen=True)
class Grouping:
    """`leader` is the delivery whose mail the others go with. Everything within the transaction that fixes a mail."""

    keyring: Keyring
    clocks: Clocks

    async def rides(self, transaction: Transaction, parcel: Parcel, reader: Contact) -> Fixed | None:
        """The mail that this one went into, if it did. One reader's mails are fixed one after the other from here on."""
        asked = {"lock": _lock(reader.person), "delivery": parcel.id}
        _, found = await at_once(transaction.connection, (LOCK, asked), (MAIL_IT_RIDES_IN, asked))
        if not found:
            return None
        [(sealed, key_owner)] = found
        key = await data_key(transaction.connection, self.keyring, key_owner)
        body = key.open(sealed, BODY)
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
        asked = {"reader": reader.person, "leads": parcel.id, "practice": parcel.exercise}
        found = await transaction.connection.execute(WAITING, asked)
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
