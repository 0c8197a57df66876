"""Says of each child whose dates or flags an import has changed that the record is another: the protocol reckons anew."""

from typing import TypeAlias

from sqlalchemy import select

from services.casework.store.event_intake import Moment
from services.casework.store.tables import children
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ChildRecordChanged
from services.safeguarding.identifiers import AuthorityId

Reckoned: TypeAlias = dict[str, tuple[object, ...]]
RECKONED_BY = (children.c.date_of_birth, children.c.age_disputed, children.c.placement, children.c.entered_care_at)


async def reckoned(uow: UnitOfWork, authority: AuthorityId) -> Reckoned:
    """What the authority's children's dates are reckoned by, as it stands in this transaction."""
    rows = await uow.connection.execute(select(children.c.id, *RECKONED_BY).where(children.c.authority == authority))
    return {child: tuple(rest) for child, *rest in rows}


async def tell_of_changes(uow: UnitOfWork, authority: AuthorityId, before: Reckoned, moment: Moment) -> None:
    """Compares with `before`, which was reckoned ahead of the import."""
    for child, now in (await reckoned(uow, authority)).items():
        if before.get(child) != now:
            uow.publish(ChildRecordChanged(authority=authority), subject=child, at=moment.story)
