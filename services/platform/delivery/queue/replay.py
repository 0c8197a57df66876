"""Sends deliveries again: the same bytes under the same id, freshly signed, by the same loop, schedule and lanes.

For a receiver that has lost them; one that still has them knows the id. (`DeliveryLoop.send_again` prepares a telling
anew.)
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.store.query import BRIEFLY, Query
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


REPLAY = """
    WITH held AS (
        SELECT id, created_at FROM delivery.deliveries
        WHERE body IS NOT NULL AND state IN ('accepted', 'delivered', 'acknowledged', 'failed')
            AND (%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))
            AND (%(delivery)s::uuid IS NULL OR id = %(delivery)s) AND (%(lane)s::text IS NULL OR lane = %(lane)s)
            AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
        ORDER BY id FOR NO KEY UPDATE
    ), chosen AS (
        SELECT id, row_number() OVER (ORDER BY created_at, id) AS place FROM held
    )
    UPDATE delivery.deliveries d SET state = 'waiting', created_at = %(now)s + chosen.place * %(a_place)s,
        next_attempt_at = %(now)s + chosen.place * %(a_place)s, changed_at = %(now)s, withdrawn_at = NULL
    FROM chosen WHERE d.id = chosen.id RETURNING d.*
"""


async def replay(uow: UnitOfWork, chosen: Chosen, now: datetime) -> list[Delivery]:
    """Returns the deliveries that will go again. Those not sent yet, or withdrawn before they were accepted, stay as
    they are.

    They count as put now, in their order, so that the schedule begins anew. Raises LockNotAvailable if one stays
    locked: all are to go again, and none is kept from others for long.
    """
    authorities = None if chosen.authorities is None else list(chosen.authorities)
    about = asdict(chosen) | {"authorities": authorities, "now": now, "a_place": A_PLACE}
    _, replayed = await uow.fetch(BRIEFLY, Query(REPLAY, about, lambda rows: [decode_delivery(row) for row in rows]))
    return sorted(replayed, key=lambda delivery: delivery.created_at)
