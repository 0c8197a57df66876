"""An exercise runs from end to end, but reaches nobody real: who is practised on has not asked for it."""

from sqlalchemy import Text, bindparam, select

from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.sending.attempt import Prepare
from services.platform.register.views import for_contact
from services.platform.store.query import as_sql, execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, PersonId

AUTHORITY_OF = as_sql(select(for_contact.c.authority).where(for_contact.c.person == bindparam("person", type_=Text)))


def block_real_recipients(prepare: Prepare, *, sandbox: bool, exercise_authority: AuthorityId) -> Prepare:
    """`prepare`, asked for an exercise only where a sandbox plays every recipient, or of `exercise_authority` (empty: there is
    none), whose force, numbers and mailboxes are our own. Every other exercise's duty ends, with that as its reason. So does one
    that would go to another authority's person, such as the host authority's desk. A connection test is no duty, and goes.
    """

    async def prepared(uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        if sandbox or not delivery.exercise or delivery.duty is None:
            return await prepare(uow, delivery)
        if not exercise_authority or delivery.authority != exercise_authority:
            return Undeliverable("exercise")
        fixed = await prepare(uow, delivery)
        if isinstance(fixed, PreparedMessage) and not await _is_our_own(uow, fixed.person):
            return Undeliverable("exercise", fixed.person)
        return fixed

    async def _is_our_own(uow: UnitOfWork, person: PersonId | None) -> bool:
        """A force is no person: the exercise authority's placement names one of our own."""
        if person is None:
            return True
        [rows] = await execute_pipelined(uow.connection, (AUTHORITY_OF, {"person": person}))
        return [authority for (authority,) in rows] == [exercise_authority]

    return prepared
