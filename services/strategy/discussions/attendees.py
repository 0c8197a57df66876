"""Who is invited to a discussion: left by the handler that hears the duty, and told when the invitation is first sent."""

from uuid import UUID

from services.platform.store.unit_of_work import Local, UnitOfWork
from services.safeguarding.duty.duties import Duty

INVITE = """
    INSERT INTO attendees (duty, step, discussion, role, delivery, reply)
    VALUES (%(duty)s, %(step)s, %(discussion)s, %(role)s, %(delivery)s, 'waiting')
    ON CONFLICT DO NOTHING
"""
ADDRESSED = """
    UPDATE attendees SET person = %(person)s, address_hash = %(address_hash)s WHERE duty = %(duty)s AND step = %(step)s
"""


INVITED: Local[dict[UUID, UUID]] = Local(dict)
"""By duty, the discussion of the invitations that this transaction writes."""


def invite(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    """Written with the commit: `invited_to` knows of it before."""
    who = {
        "duty": duty.duty,
        "step": duty.step,
        "discussion": discussion,
        "role": duty.role,
        "delivery": duty.telling,
    }
    uow.write(INVITE, who)
    uow.local(INVITED)[duty.duty] = discussion


def invited_to(uow: UnitOfWork, duty: UUID) -> UUID | None:
    """The discussion to which a telling of this duty has been invited in this transaction."""
    return uow.local(INVITED).get(duty)


def addressed(uow: UnitOfWork, duty: Duty, person: str, address_hash: bytes) -> None:
    """Who it is that was invited, known when the invitation is first sent. Written with the commit."""
    who = {"duty": duty.duty, "step": duty.step, "person": person, "address_hash": address_hash}
    uow.write(ADDRESSED, who)
