"""Many mails to one reader at once become one: it names each, and each is accepted and acknowledged for itself."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    Select,
    Table,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery, PreparedMessage, State
from services.platform.delivery.queue.repository import BODY, parcel_of
from services.platform.delivery.tables import deliveries
from services.platform.register.contact import Contact
from services.platform.register.keys import Decryptor
from services.platform.register.views import data_keys, rota
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import as_sql, bulk_insert, execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.professionals.recipients import RecipientLookup

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
MAIL = deliveries.alias("mail")
RIDES = (
    select(MAIL.c.body, MAIL.c.key_owner, data_keys.c.wrapped)
    .join(grouped, grouped.c.leader == MAIL.c.id)
    .outerjoin(data_keys, data_keys.c.owner == MAIL.c.key_owner)
    .where(
        grouped.c.delivery == bindparam("delivery"),
        grouped.c.leader != bindparam("delivery"),
        MAIL.c.body.is_not(None),
    )
)
MAIL_IT_RIDES_IN = as_sql(RIDES)
OF_PARCEL = (
    *("id", "lane", "child", "created_at", "authority", "kind", "telling"),
    *("person", "urgent", "exercise", "trace", "key_owner"),
)


WAITS: ColumnElement[str] = literal_column(f"'{State.WAITING}'")
"""As it stands, not as a parameter: the index of what is unsent serves the statement however often it was prepared."""


def _waiting() -> Select[Any]:
    """None for one that rides in another's mail."""
    held = exists().where(
        rota.c.person == bindparam("reader"),
        rota.c.role == deliveries.c.role,
        or_(rota.c.child.is_(None), rota.c.child == deliveries.c.child),
    )
    return (
        select(*(deliveries.c[name] for name in OF_PARCEL))
        .where(
            ~RIDES.exists(),
            deliveries.c.lane == bindparam("lane"),
            deliveries.c.state == WAITS,
            deliveries.c.attempts == literal_column("0"),
            deliveries.c.body.is_(None),
            deliveries.c.withdrawn_at.is_(None),
            deliveries.c.id != bindparam("delivery"),
            deliveries.c.exercise == bindparam("practice"),
            held,
            ~exists().where(grouped.c.delivery == deliveries.c.id),
        )
        .order_by(deliveries.c.created_at, deliveries.c.id)
        .limit(bindparam("most"))
    )


WAITING = as_sql(_waiting())
GROUPED = bulk_insert(
    "professionals.grouped", {"delivery": "uuid", "leader": "uuid", "at": "timestamptz"}, "ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True)
class DigestGrouping:
    """`leader` is the delivery whose mail the others go with. Everything within the transaction that fixes a mail."""

    keyring: Keyring
    clocks: Clocks

    async def gather(self, uow: UnitOfWork, delivery: Delivery, reader: Contact) -> PreparedMessage | list[Delivery]:
        """The mail that this one went into, if it did; else what else waits for this reader, untried: from the commit on it goes with
        this one. Exercises go with exercises. One reader's mails are fixed one after the other from here on.
        """
        asked = {"lock": _lock(reader.person), "delivery": delivery.id, "reader": reader.person}
        among = {"lane": email.LANE, "practice": delivery.exercise, "most": AT_MOST - 1}
        _, mail, waiting = await execute_pipelined(
            uow.connection, (LOCK, asked), (MAIL_IT_RIDES_IN, asked), (WAITING, asked | among)
        )
        if mail:
            return self._riding(reader, *mail[0]) or []  # erased since: it goes in a mail of its own
        others = [parcel_of(dict(zip(OF_PARCEL, row, strict=True))) for row in waiting]
        mine = await self._for_same(uow, others, reader)
        if mine:
            now = self.clocks.wall()
            lines = [{"delivery": each.id, "leader": delivery.id, "at": now} for each in (delivery, *mine)]
            uow.bulk_write(GROUPED, *lines)
        return mine

    def _riding(self, reader: Contact, sealed: bytes, key_owner: str, wrapped: bytes | None) -> PreparedMessage | None:
        body = Decryptor(self.keyring, key_owner, wrapped).open(sealed, BODY)
        return (
            None
            if body is None
            else PreparedMessage(reader.email or "", body, person=reader.person, read=("person.email",))
        )

    async def _for_same(self, uow: UnitOfWork, others: list[Delivery], reader: Contact) -> list[Delivery]:
        if not others:
            return []
        readers = await RecipientLookup(self.keyring, self.clocks).first_of_each(uow, others, lambda each: each.email)
        return [
            other
            for other, found in zip(others, readers, strict=True)
            if isinstance(found, Contact) and found.person == reader.person
        ]


async def together(uow: UnitOfWork, leader: UUID) -> list[UUID]:
    """Every delivery in this mail, in the order in which the mail names them: its own first. Alone where it was not grouped."""
    found = await uow.connection.execute(
        select(grouped.c.delivery)
        .join(deliveries, deliveries.c.id == grouped.c.delivery)
        .where(grouped.c.leader == leader, grouped.c.delivery != leader)
        .order_by(deliveries.c.created_at, deliveries.c.id)
    )
    return [leader, *found.scalars()]


def _lock(person: str) -> int:
    return int.from_bytes(hashlib.sha256(f"mails to {person}".encode()).digest()[:8], signed=True)
