"""Marks a message as done, in the transaction of its effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.process import Repeating
from services.platform.store.query import BRIEFLY, PLAN_BY_VALUES, Query, Rows, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork

KEPT = timedelta(days=400)
"""Longer than any topic keeps a message or a dead letter (infra/kafka/topics.yaml)."""
FORGET_EVERY_SECONDS = 600.0
FORGOTTEN_AT_ONCE = 1000


class Mark(StrEnum):
    NEW = "new"
    DONE_BEFORE = "done-before"
    OTHER_CONTENT = "other-content"
    """The same source and id came before with other content: a sender reuses ids."""


@dataclass(frozen=True, slots=True)
class Identity:
    source: str
    message_id: str
    content_hash: bytes


MARK = """
    INSERT INTO inbox (source, message_id, content_hash, done_at)
    SELECT source, message_id, content_hash, %(at)s
    FROM unnest(%(sources)b::text[], %(ids)b::text[], %(hashes)b::bytea[]) AS new (source, message_id, content_hash)
    ON CONFLICT DO NOTHING
    RETURNING source, message_id
"""
KNOWN = "SELECT content_hash FROM inbox WHERE source = %(source)s AND message_id = %(message_id)s"


async def mark_and_ask(
    uow: UnitOfWork, messages: Sequence[Identity], at: datetime, *queries: Query[Any], briefly: bool = False
) -> tuple[list[Mark], Sequence[Any]]:
    """Returns a mark for each message, in the order given (of two equal messages the first is new, the second done
    before), and the answers of `queries`, run in the same round trip once the marks are held.

    NEW means that this transaction holds the mark: two transactions with one message wait for each other here (with
    `briefly` two seconds for each lock of this transaction, and raise LockNotAvailable). What was
    done before may be on one disk alone, if that commit's wait was cancelled: this one's waits again.
    """
    parameters = {
        "sources": [each.source for each in messages],
        "ids": [each.message_id for each in messages],
        "hashes": [each.content_hash for each in messages],
        "at": at,
    }
    new = Query(MARK, parameters, _names)
    first = [BRIEFLY] if briefly else []
    fresh, *answers = (await uow.fetch_each([*first, new, *queries]))[len(first) :]
    marks = [await _mark_of(uow, each, fresh) for each in messages]
    if Mark.NEW not in marks:
        uow.wait_for_standby()
    return marks, answers


def _names(rows: Rows) -> set[tuple[str, str]]:
    return {(row.source, row.message_id) for row in rows}


async def _mark_of(uow: UnitOfWork, message: Identity, fresh: set[tuple[str, str]]) -> Mark:
    name = (message.source, message.message_id)
    if name in fresh:
        fresh.remove(name)
        return Mark.NEW
    known = await uow.fetch(Query(KNOWN, {"source": message.source, "message_id": message.message_id}, scalar))
    return Mark.DONE_BEFORE if known == message.content_hash else Mark.OTHER_CONTENT


FORGET = """
    DELETE FROM inbox WHERE (source, message_id) IN (
        SELECT source, message_id FROM inbox WHERE done_at < %(before)s LIMIT %(most)s
    ) RETURNING true
"""
FORGET_PUBLISHED = """
    DELETE FROM published WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM published WHERE published_at < %(before)s LIMIT %(most)s
    )) RETURNING true
"""


def _forget(sql: str, before: datetime) -> Query[int]:
    return Query(sql, {"before": before, "most": FORGOTTEN_AT_ONCE}, len)


def forgetting(store: Store, clocks: Clocks, published_kept: timedelta) -> Repeating:
    """Deletes marks of messages that cannot come again, and published messages that are safe by now."""

    async def turn() -> bool:
        """Returns True while there is more."""
        now = clocks.wall()
        async with store.transaction() as uow:
            _, marks, messages = await uow.fetch(
                PLAN_BY_VALUES, _forget(FORGET, now - KEPT), _forget(FORGET_PUBLISHED, now - published_kept)
            )
        return FORGOTTEN_AT_ONCE in {marks, messages}

    return Repeating("forgetting", turn, every_seconds=FORGET_EVERY_SECONDS)
