"""Sends deliveries again: the same bytes under the same id, freshly signed, by the same loop, schedule and lanes as the first time.

For a receiver that has lost them; one that still has them knows the id. (`services.platform.delivery.sending.resend` prepares a
telling anew.)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, update

from services.platform.delivery.model import UNSENT, Delivery, State
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.delivery.tables import deliveries
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import Scope

A_PLACE = timedelta(microseconds=1)
"""PostgreSQL's resolution."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One delivery, or all of a lane that were put in [`since`, `until`), wall time; an end that is left out is open.

    `authorities`: only theirs.
    """

    delivery: UUID | None = None
    lane: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    authorities: Scope = None

    def __post_init__(self) -> None:
        if (self.delivery is None) == (self.lane is None):
            raise ValueError("one delivery, or one lane, has to be named")


async def replay(uow: UnitOfWork, chosen: Chosen, now: datetime) -> list[Delivery]:
    """Returns the deliveries that will go again. Those that were withdrawn before they were accepted, or not sent yet, stay as they are.

    They count as put now, in their order, so that the schedule begins anew.
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
    replayed = [decode_delivery(cast("dict[str, Any]", row)) for row in found.mappings()]
    return sorted(replayed, key=lambda delivery: delivery.created_at)


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.authorities is not None:
        conditions.append(deliveries.c.authority.in_(chosen.authorities))
    if chosen.delivery is not None:
        return [*conditions, deliveries.c.id == chosen.delivery]
    conditions.append(deliveries.c.lane == chosen.lane)
    if chosen.since is not None:
        conditions.append(deliveries.c.created_at >= chosen.since)
    if chosen.until is not None:
        conditions.append(deliveries.c.created_at < chosen.until)
    return conditions
