"""Locks rows in the order of their ids. A transaction that changes several locks all of them first, so that it does not
deadlock with another that changes the same ones.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from services.platform.messages.envelope import Received
from services.platform.store.query import Query, Rows, all_rows, to_columns, unnest_rows
from services.safeguarding.duty.duties import Duty, DutyAcknowledged

ROWS = "SELECT id FROM delivery.deliveries WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
ROWS_OF_TELLINGS = f"""
    SELECT id FROM {unnest_rows({"duty": "uuid", "step": "integer"})} JOIN delivery.deliveries d USING (duty, step)
    WHERE d.duty IS NOT NULL AND state <> 'acknowledged' ORDER BY id FOR NO KEY UPDATE OF d
"""  # noqa: S608 this module's own words


def lock_rows(ids: Iterable[UUID]) -> Query[Rows]:
    return Query(ROWS, {"ids": list(ids)}, all_rows)


def lock_stopped(messages: Collection[Received[Any]]) -> list[Query[Rows]]:
    """Locks what any of these messages withdraws or says is answered; no query where none does."""
    stopping = [each.content for each in messages if _stops(each.content)]
    tellings = [{"duty": each.duty, "step": each.step} for each in stopping]
    return [Query(ROWS_OF_TELLINGS, to_columns(tellings), all_rows)] if tellings else []


def _stops(content: Any) -> bool:
    return isinstance(content, DutyAcknowledged) or (isinstance(content, Duty) and content.act == "withdraw")
