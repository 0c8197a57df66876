"""Groups mails to one reader into one that names each matter. Each is accepted and acknowledged by itself."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from services.platform.delivery.channels import email
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.queue.repository import BODY, decode_delivery
from services.platform.register.directory import Contact
from services.platform.register.keys import Decryptor
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, bulk_insert, first_row
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.professionals.digests.mass_texts import fold_mail
from services.professionals.matters import may_share_a_mail
from services.professionals.recipients import RecipientLookup, duty_of
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import PersonId

AT_MOST = 20
"""Deliveries in one mail. The rest go in the next."""

PREPARED: Local[dict[UUID, PreparedMessage]] = Local(dict)
"""The mails that this transaction has prepared, by delivery. One that went in another's mail has that mail."""
ANOTHERS_MAIL = """
    SELECT mail.body, mail.key_owner, wrapped FROM delivery.deliveries mail
    JOIN professionals.grouped ON leader = mail.id LEFT JOIN register.data_keys ON owner = mail.key_owner
    WHERE delivery = %(delivery)s AND leader <> %(delivery)s AND mail.body IS NOT NULL
"""
MAIL_OF = """
    SELECT mail.body, mail.key_owner, wrapped FROM delivery.deliveries mail
    LEFT JOIN register.data_keys ON owner = mail.key_owner WHERE id = %(leader)s AND mail.body IS NOT NULL
"""
UNSENT = f"""
    SELECT d.* FROM delivery.deliveries d
    WHERE NOT EXISTS ({ANOTHERS_MAIL}) AND lane = %(lane)s AND state = 'waiting' AND attempts = 0 AND body IS NULL
        AND withdrawn_at IS NULL AND id <> %(delivery)s AND exercise = %(practice)s AND d.authority = %(authority)s
        AND EXISTS (
            SELECT FROM register.rota
            WHERE person = %(reader)s AND rota.role = d.role AND (rota.child IS NULL OR rota.child = d.child)
        )
        AND NOT EXISTS (SELECT FROM professionals.grouped WHERE delivery = d.id)
    ORDER BY created_at, id LIMIT %(most)s FOR NO KEY UPDATE OF d SKIP LOCKED
"""  # noqa: S608 this module's own words
"""No rows for a delivery that went in another's mail. The rows stay locked: a withdrawal of one waits until the mail is
written (`ridden`).
"""
GROUP = bulk_insert(
    "professionals.grouped", {"delivery": "uuid", "leader": "uuid", "at": "timestamptz"}, "ON CONFLICT DO NOTHING"
)


class Gathered(NamedTuple):
    """What goes in the leader's mail, and how many children its reporter has reported, if they are many."""

    others: list[Delivery]
    children: int = 0


@dataclass(frozen=True)
class DigestGrouping:
    """Works within the transaction that prepares a mail. `leader` is the delivery whose mail the others go in."""

    keyring: Keyring
    clocks: Clocks

    async def gather(self, uow: UnitOfWork, delivery: Delivery, reader: Contact) -> PreparedMessage | Gathered:
        """Returns the mail that this delivery went in, or the reader's other unsent deliveries, which join this one on
        commit. Exercises go with exercises, and an authority's with its own. Called under `lock_readers`.
        """
        prepared = uow.local(PREPARED)
        if delivery.id in prepared:
            return prepared[delivery.id]
        about = {"delivery": delivery.id, "reader": reader.person, "authority": duty_of(delivery).authority}
        among = about | {"lane": email.LANE, "practice": delivery.exercise, "most": AT_MOST - 1}
        mail, unsent = await uow.fetch(Query(ANOTHERS_MAIL, about, first_row), Query(UNSENT, among, _deliveries))
        if mail is not None:
            return self._reopen(reader, mail) or Gathered([])  # the mail was erased since: this one has its own
        told, mass = duty_of(delivery).wording, duty_of(delivery).mass
        folded = None if mass is None else await fold_mail(uow, delivery, mass, reader.person, self.clocks.story())
        if folded is not None and folded.leader != delivery.id:
            joined = prepared.get(folded.leader) or await self._join(uow, delivery, folded.leader, reader)
            if joined is not None:
                return joined
        near = [each for each in unsent if may_share_a_mail(duty_of(each).wording, told)]
        others = await self._to_same_reader(uow, near, reader)
        if others or folded is not None:
            self._group(uow, delivery.id, delivery, *others)
        return Gathered(others, 0 if folded is None else folded.children)

    def _group(self, uow: UnitOfWork, leader: UUID, *those: Delivery) -> None:
        now = self.clocks.wall()
        uow.bulk_write(GROUP, *({"delivery": each.id, "leader": leader, "at": now} for each in those))

    async def _join(self, uow: UnitOfWork, delivery: Delivery, leader: UUID, reader: Contact) -> PreparedMessage | None:
        """The mail of `leader`, which has been prepared. The page behind it shows this delivery from now on."""
        mail = await uow.fetch(Query(MAIL_OF, {"leader": leader}, first_row))
        found = None if mail is None else self._reopen(reader, mail)
        if found is not None:
            self._group(uow, leader, delivery)
        return found

    def _reopen(self, reader: Contact, mail: Any) -> PreparedMessage | None:
        body = Decryptor(self.keyring, mail.key_owner, mail.wrapped).open(mail.body, BODY)
        if body is None:
            return None
        return PreparedMessage(reader.email or "", body, person=reader.person, read=("person.email",))

    async def _to_same_reader(self, uow: UnitOfWork, unsent: list[Delivery], reader: Contact) -> list[Delivery]:
        readers = await RecipientLookup(self.keyring, self.clocks).find_each(uow, unsent, lambda each: each.email)
        return [
            other
            for other, found in zip(unsent, readers, strict=True)
            if isinstance(found, Contact) and found.person == reader.person and other.id not in uow.local(PREPARED)
        ]


def _deliveries(rows: Rows) -> list[Delivery]:
    return [decode_delivery(row) for row in rows]


IN_MAIL = """
    SELECT delivery FROM professionals.grouped JOIN delivery.deliveries d ON d.id = delivery
    WHERE leader = %(leader)s AND delivery <> %(leader)s ORDER BY at, d.created_at, d.id
"""


def deliveries_in_mail(leader: UUID) -> Query[list[UUID]]:
    """Every delivery in this mail, in the order of the mail: the leader first. A mail of one has the leader alone."""
    return Query(IN_MAIL, {"leader": leader}, lambda rows: [leader, *(row.delivery for row in rows)])


RIDDEN = """
    SELECT d.*, mail.person AS reader FROM delivery.deliveries d
    JOIN professionals.grouped ON delivery = d.id AND leader <> d.id JOIN delivery.deliveries mail ON mail.id = leader
    WHERE d.duty = %(duty)s AND d.step = %(step)s AND d.state = 'withdrawn'
        AND mail.body IS NOT NULL AND mail.state <> 'failed'
"""


def ridden(duty: Duty) -> Query[list[tuple[Delivery, PersonId]]]:
    """Deliveries of this step that were withdrawn unsent, though another's mail may have told their reader."""
    about = {"duty": duty.duty, "step": duty.step}
    return Query(RIDDEN, about, lambda rows: [(decode_delivery(row), row.reader) for row in rows])


def remember(uow: UnitOfWork, mail: PreparedMessage, *grouped_in_it: Delivery) -> None:
    """For the rest of this transaction."""
    uow.local(PREPARED).update(dict.fromkeys((each.id for each in grouped_in_it), mail))
