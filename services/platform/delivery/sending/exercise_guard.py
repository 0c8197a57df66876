"""Keeps exercises from reaching real people: an exercise runs from end to end, but nobody real has asked for it."""

from services.platform.delivery.model import Delivery, Prepared, PreparedMessage, Undeliverable
from services.platform.delivery.sending.attempt import Prepare
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, PersonId

AUTHORITY_OF = "SELECT authority FROM register.for_contact WHERE person = %(person)s"


def block_real_recipients(prepare: Prepare, *, sandbox: bool, exercise_authority: AuthorityId) -> Prepare:
    """Wraps `prepare`. An exercise is prepared only where a sandbox plays every recipient, or for `exercise_authority`
    (empty: there is none), whose force, numbers and mailboxes are our own. Every other exercise's duty ends as
    undeliverable; so does one that would go to another authority's person, such as the host authority's desk. A
    connection test is no duty, and goes.
    """

    async def prepared(uow: UnitOfWork, delivery: Delivery) -> Prepared:
        if sandbox or not delivery.exercise or delivery.duty is None:
            return await prepare(uow, delivery)
        if not exercise_authority or delivery.authority != exercise_authority:
            return Undeliverable("exercise")
        message = await prepare(uow, delivery)
        if isinstance(message, PreparedMessage) and not await _is_our_own(uow, message.person):
            return Undeliverable("exercise", message.person, message.read)
        return message

    async def _is_our_own(uow: UnitOfWork, person: PersonId | None) -> bool:
        """A force is not a person: the exercise authority's placement names one of our own."""
        if person is None:
            return True
        return bool(await uow.fetch(Query(AUTHORITY_OF, {"person": person}, scalar)) == exercise_authority)

    return prepared
