"""Keeps the people invited to each discussion, and their replies. It keeps no address, only a keyed hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.roles import Role
from services.strategy.discussions.policy import Attendance, Reply


@dataclass(frozen=True, slots=True)
class Attendee(Attendance):
    duty: UUID
    step: int
    delivery: UUID
    person: str | None


ATTENDEES = """
    SELECT duty, step, role, delivery, person, reply FROM attendees WHERE person IS NOT NULL AND {which} ORDER BY role, step
"""
OF_DISCUSSION = ATTENDEES.format(which="discussion = %(discussion)s")
WITH_ADDRESS = ATTENDEES.format(which="discussion = %(discussion)s AND address_hash = ANY(%(hashes)s)")
OF_DUTY = ATTENDEES.format(which="duty = %(duty)s")
BY_DUTY = ATTENDEES.format(which="duty = %(duty)s AND step = %(step)s")


def attendees_of_discussion(discussion: UUID) -> Query[list[Attendee]]:
    """Everyone to whom an invitation has been sent."""
    return Query(OF_DISCUSSION, {"discussion": discussion}, _attendees)


def attendees_with_address(discussion: UUID, address_hashes: Sequence[bytes]) -> Query[list[Attendee]]:
    """Those invited at this address. One person may hold two roles."""
    return Query(WITH_ADDRESS, {"discussion": discussion, "hashes": list(address_hashes)}, _attendees)


def attendees_of_duty(duty: UUID) -> Query[list[Attendee]]:
    """Those invited at any step of the duty."""
    return Query(OF_DUTY, {"duty": duty}, _attendees)


def attendee_by_duty(duty: Duty) -> Query[Attendee | None]:
    """The one invited at this step of the duty."""
    return Query(BY_DUTY, {"duty": duty.duty, "step": duty.step}, lambda rows: next(iter(_attendees(rows)), None))


def _attendees(rows: Rows) -> list[Attendee]:
    return [Attendee(Role(row.role), Reply(row.reply), row.duty, row.step, row.delivery, row.person) for row in rows]


INVITE = """
    INSERT INTO attendees (duty, step, discussion, role, delivery, reply)
    VALUES (%(duty)s, %(step)s, %(discussion)s, %(role)s, %(delivery)s, 'waiting')
    ON CONFLICT DO NOTHING
"""
INVITED: Local[dict[UUID, UUID]] = Local(dict)
"""By duty, the discussion of the invitations that this transaction writes."""


def invite(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    """Written with the commit: only `invited_to` knows it before. The person is known once the invitation is sent."""
    about = {"duty": duty.duty, "step": duty.step, "role": duty.role, "delivery": duty.telling}
    uow.write(INVITE, about | {"discussion": discussion})
    uow.local(INVITED)[duty.duty] = discussion


def invited_to(uow: UnitOfWork, duty: UUID) -> UUID | None:
    """The discussion to which the duty has invited somebody in this transaction."""
    return uow.local(INVITED).get(duty)


SET_PERSON = """
    UPDATE attendees SET person = %(person)s, address_hash = %(address_hash)s WHERE duty = %(duty)s AND step = %(step)s
"""


def set_person(uow: UnitOfWork, duty: Duty, person: str, address_hash: bytes) -> None:
    """Written with the commit, when the invitation is first sent."""
    uow.write(SET_PERSON, {"duty": duty.duty, "step": duty.step, "person": person, "address_hash": address_hash})


SET_REPLY = "UPDATE attendees SET reply = %(reply)s, replied_at = %(at)s WHERE duty = %(duty)s AND step = %(step)s"


async def set_reply(
    uow: UnitOfWork, discussion: UUID, attendee: Attendee, reply: Reply, at: datetime
) -> list[Attendee]:
    """Returns everyone invited, with this reply. `at` is story time."""
    row = {"duty": attendee.duty, "step": attendee.step, "reply": reply, "at": at}
    _, everyone = await uow.fetch(Query(SET_REPLY, row, all_rows), attendees_of_discussion(discussion))
    return everyone


INVITERS = """
    SELECT d.authority, min(a.person) AS person, bool_and(d.exercise) AS exercise
    FROM attendees AS a JOIN discussions AS d ON d.discussion = a.discussion
    WHERE a.address_hash = ANY(%(hashes)s) GROUP BY d.authority ORDER BY d.authority
"""


def inviters(address_hashes: Sequence[bytes]) -> Query[Rows]:
    """Every `authority` that ever invited a `person` at this address. `exercise`: to exercises alone."""
    return Query(INVITERS, {"hashes": list(address_hashes)}, all_rows)
