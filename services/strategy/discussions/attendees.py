"""Who is invited to a discussion: left by the handler that hears the duty, and told when the invitation is first sent."""

from uuid import UUID

from services.platform.store.unit_of_work import Transaction
from services.safeguarding.duties import Duty

INVITE = """
    INSERT INTO attendees (duty, step, discussion, role, delivery, reply)
    VALUES (%(duty)s, %(step)s, %(discussion)s, %(role)s, %(delivery)s, 'waiting')
    ON CONFLICT DO NOTHING
"""
ADDRESSED = """
    UPDATE attendees SET person = %(person)s, address_hash = %(address_hash)s WHERE duty = %(duty)s AND step = %(step)s
"""


def invite(transaction: Transaction, discussion: UUID, duty: Duty) -> None:
    """Written with the commit: `invited_to` knows of it before."""
    who = {
        "duty": duty.duty,
        "step": duty.step,
        "discussion": discussion,
        "role": duty.role,
        "delivery": duty.telling,
    }
    transaction.write_in_order(INVITE, who)
    transaction.remembered["invited", duty.duty] = discussion


def invited_to(transaction: Transaction, duty: UUID) -> UUID | None:
    """The discussion to which a telling of this duty has been invited in this transaction."""
    found: UUID | None = transaction.remembered.get(("invited", duty))
    return found


def addressed(transaction: Transaction, duty: Duty, person: str, address_hash: bytes) -> None:
    """Who it is that was invited, known when the invitation is first sent. Written with the commit."""
    who = {"duty": duty.duty, "step": duty.step, "person": person, "address_hash": address_hash}
    transaction.write_in_order(ADDRESSED, who)
