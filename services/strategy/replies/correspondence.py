"""Finds which authorities invited the sender of a mail, and which discussions a mail in answer to ours is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.platform.store.query import Query


@dataclass(frozen=True, slots=True)
class Inviter:
    """An authority that has invited somebody. `exercise`: to exercises alone."""

    authority: str
    person: str | None
    exercise: bool


INVITERS = """
    SELECT d.authority, min(a.person), bool_and(d.exercise)
    FROM attendees AS a JOIN discussions AS d ON d.discussion = a.discussion
    WHERE a.address_hash = ANY(%(hashes)s) GROUP BY d.authority ORDER BY d.authority
"""
OF_MAILS = """
    SELECT a.discussion FROM attendees AS a JOIN delivery.deliveries AS sent ON sent.duty = a.duty AND sent.step = a.step
    WHERE sent.id = ANY(%(mails)s)
    UNION SELECT r.discussion FROM recorders AS r JOIN delivery.deliveries AS sent ON sent.duty = r.duty AND sent.step = r.step
    WHERE sent.id = ANY(%(mails)s)
"""


def inviters(address_hashes: Sequence[bytes]) -> Query[list[Inviter]]:
    """Every authority that ever invited somebody at this address."""
    return Query(INVITERS, {"hashes": list(address_hashes)}, lambda rows: [Inviter(*row) for row in rows])


def discussions_of_mails(mails: Sequence[UUID]) -> Query[set[UUID]]:
    """The discussions that these mails of ours are about."""
    return Query(OF_MAILS, {"mails": list(mails)}, lambda rows: {row.discussion for row in rows})
