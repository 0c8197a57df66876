"""Sends again what was sent: the same bytes under the same id, freshly signed, by the same loop, schedule and lanes as the first time.

For a receiver that has lost what it had taken; one that still has it knows the id. (An operator who wants a telling prepared
anew asks for `services.platform.delivery.sending.resend`.)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, update

from services.platform.delivery.model import UNSENT, Delivery, State
from services.platform.delivery.queue.repository import parcel_of
from services.platform.delivery.tables import deliveries
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId

A_PLACE = timedelta(microseconds=1)
"""The least that PostgreSQL tells apart."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One delivery, or all of a lane that were put in [`since`, `until`), wall time; an end that is left out is open.

    `authority`: its own alone.
    """

    delivery: UUID | None = None
    lane: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    authority: AuthorityId | None = None

    def __post_init__(self) -> None:
        if (self.delivery is None) == (self.lane is None):
            raise ValueError("one delivery, or one lane, has to be named")


async def replay(uow: UnitOfWork, chosen: Chosen, now: datetime) -> list[Delivery]:
    """Those that will go again. What was called back before it was taken, and what has not been sent yet, is left as it is.

    They count as put now, one after the other as they were, so that the schedule begins anew and takes them up in their order.
    """
    those = (
        *_conditions(chosen),
        deliveries.c.body.is_not(None),
        deliveries.c.state.not_in([*UNSENT, State.WITHDRAWN]),
    )
    place = func.row_number().over(order_by=(deliveries.c.created_at, deliveries.c.id))
    order = select(deliveries.c.id, place.label("place")).where(*those).subquery()
    put_at = literal(now) + order.c.place * literal(A_PLACE)
    found = await uow.connection.execute(
        update(deliveries)
        .where(deliveries.c.id == order.c.id, *those)
        .values(state=State.WAITING, created_at=put_at, next_attempt_at=put_at, changed_at=now, withdrawn_at=None)
        .returning(deliveries)
    )
    parcels = [parcel_of(cast("dict[str, Any]", row)) for row in found.mappings()]
    return sorted(parcels, key=lambda delivery: delivery.created_at)


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.authority is not None:
        conditions.append(deliveries.c.authority == chosen.authority)
    if chosen.delivery is not None:
        return [*conditions, deliveries.c.id == chosen.delivery]
    conditions.append(deliveries.c.lane == chosen.lane)
    if chosen.since is not None:
        conditions.append(deliveries.c.created_at >= chosen.since)
    if chosen.until is not None:
        conditions.append(deliveries.c.created_at < chosen.until)
    return conditions
