"""Finds readings of the register that no attempt will put on the record any more.

A row keeps what was read to prepare it until its first attempt is recorded. If the process dies in between, and a receipt or an
answer ends the delivery meanwhile, nobody sends it again.
"""

from datetime import datetime
from typing import Any

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue.repository import decode_delivery
from services.platform.store.query import Query
from services.platform.store.unit_of_work import UnitOfWork

AT_ONCE = 100
TAKE = """
    WITH ended AS (
        SELECT id, looked_up AS read FROM delivery.deliveries
        WHERE looked_up IS NOT NULL AND state NOT IN ('waiting', 'sending', 'unknown')
            AND (lease_until IS NULL OR lease_until < %(now)s)
        LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    UPDATE delivery.deliveries AS kept SET looked_up = NULL FROM ended WHERE kept.id = ended.id
    RETURNING ended.read, kept.*
"""


def read_names(names: str | None) -> tuple[str, ...]:
    return tuple((names or "").split())


def join_names(names: tuple[str, ...]) -> str | None:
    return " ".join(names) or None


async def take_unrecorded(uow: UnitOfWork, now: datetime) -> list[tuple[Delivery, tuple[str, ...]]]:
    """Deliveries that have ended, and what was read for each. The caller publishes it in this transaction. `now` is wall time."""

    def decode(rows: Any) -> list[tuple[Delivery, tuple[str, ...]]]:
        return [(decode_delivery(row), read_names(row.read)) for row in rows]

    return await uow.fetch(Query(TAKE, {"now": now, "most": AT_ONCE}, decode))
