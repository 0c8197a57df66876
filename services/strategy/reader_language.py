"""In which language a page speaks to whoever a telling went to."""

from datetime import datetime

from services.platform.register import directory
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ChildId, PersonId
from services.strategy.wording import Words, words
from services.wording import ENGLISH


async def spoken_to(uow: UnitOfWork, duty: Duty, child: ChildId, person: PersonId | None, at: datetime) -> Words:
    """English for somebody whom the register no longer knows. `at` is story time."""
    holders = await directory.who_holds(duty.role, authority=duty.authority, child=child, person=person, at=at).ask(
        uow.connection
    )
    return words(holders[0].language if holders else ENGLISH)
