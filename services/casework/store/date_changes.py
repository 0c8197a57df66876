"""Publishes which children's dates or flags an import has changed, so that the protocol recalculates their duties."""

from typing import Any, TypeAlias

from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ChildRecordChanged
from services.safeguarding.identifiers import AuthorityId, ChildId

Dates: TypeAlias = dict[ChildId, tuple[Any, ...]]
DATES = """
    SELECT id, date_of_birth, age_disputed, placement, entered_care_at FROM register.children
    WHERE authority = %(authority)s
"""


def dates_by_child(authority: AuthorityId) -> Query[Dates]:
    """The fields from which the protocol calculates, of each of the authority's children."""
    return Query(DATES, {"authority": authority}, lambda rows: {row.id: tuple(row) for row in rows})


async def publish_date_changes(uow: UnitOfWork, authority: AuthorityId, before: Dates) -> None:
    """Compares with `before`, which was read before the import."""
    for child, dates in (await uow.fetch(dates_by_child(authority))).items():
        if before.get(child) != dates:
            uow.publish(ChildRecordChanged(authority=authority), subject=child)
