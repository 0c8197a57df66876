"""An exercise runs from end to end, but reaches nobody real: who is practised on has not asked for it."""

from sqlalchemy import Text, bindparam, select

from services.delivery.attempt import Prepare
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.register.views import for_contact
from services.safeguarding.identifiers import AuthorityId, PersonId
from services.store.pipeline import as_sql, at_once
from services.store.transaction import Transaction

AUTHORITY_OF = as_sql(select(for_contact.c.authority).where(for_contact.c.person == bindparam("person", type_=Text)))


def kept_from_the_real(prepare: Prepare, *, sandbox: bool, exercise_authority: AuthorityId) -> Prepare:
    """`prepare`, asked for an exercise only where a sandbox plays every recipient, or of `exercise_authority` (empty: there is
    none), whose force, numbers and mailboxes are our own. Every other exercise's duty ends, with that as its reason. So does one
    that would go to another authority's person, such as the host authority's desk. A connection test is no duty, and goes.
    """

    async def prepared(transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        if sandbox or not parcel.exercise or parcel.duty is None:
            return await prepare(transaction, parcel)
        if not exercise_authority or parcel.authority != exercise_authority:
            return Undeliverable("exercise")
        fixed = await prepare(transaction, parcel)
        if isinstance(fixed, Fixed) and not await _is_our_own(transaction, fixed.person):
            return Undeliverable("exercise", fixed.person)
        return fixed

    async def _is_our_own(transaction: Transaction, person: PersonId | None) -> bool:
        """A force is no person: the exercise authority's placement names one of our own."""
        if person is None:
            return True
        [rows] = await at_once(transaction.connection, (AUTHORITY_OF, {"person": person}))
        return [authority for (authority,) in rows] == [exercise_authority]

    return prepared
