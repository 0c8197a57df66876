"""Marks a message as done, in the transaction of its effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, text

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.platform.store.query import PLAN_BY_VALUES, Query, Rows
from services.platform.store.tables import inbox
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
KNOWN = select(inbox.c.content_hash).where(
    inbox.c.source == bindparam("source"), inbox.c.message_id == bindparam("message_id")
)


async def mark_all(uow: UnitOfWork, messages: Sequence[Identity], at: datetime) -> list[Mark]:
    """Returns a mark for each message, in the order given. Of two equal messages the first is new, the second done
    before.

    NEW means that this transaction holds the mark: two transactions with one message wait for each other here.
    """
    marks, _ = await mark_and_ask(uow, messages, at)
    return marks


async def mark_and_ask(
    uow: UnitOfWork, messages: Sequence[Identity], at: datetime, *queries: Query[Any]
) -> tuple[list[Mark], Sequence[Any]]:
    """As `mark_all`, with the answers of `queries`, run in the same round trip once the marks are held."""
    parameters = {
        "sources": [each.source for each in messages],
        "ids": [each.message_id for each in messages],
        "hashes": [each.content_hash for each in messages],
        "at": at,
    }
    new = Query(MARK, parameters, _names)
    answers: Sequence[Any] = await uow.fetch(new, *queries) if queries else [await uow.fetch(new)]
    return [await _mark_of(uow, each, answers[0]) for each in messages], answers[1:]


def _names(rows: Rows) -> set[tuple[str, str]]:
    return {(row.source, row.message_id) for row in rows}


async def _mark_of(uow: UnitOfWork, message: Identity, fresh: set[tuple[str, str]]) -> Mark:
    name = (message.source, message.message_id)
    if name in fresh:
        fresh.remove(name)
        return Mark.NEW
    known = await uow.connection.scalar(KNOWN, {"source": message.source, "message_id": message.message_id})
    return Mark.DONE_BEFORE if known == message.content_hash else Mark.OTHER_CONTENT


async def mark(uow: UnitOfWork, *, source: str, message_id: str, content_hash: bytes, at: datetime) -> Mark:
    return (await mark_all(uow, [Identity(source, message_id, content_hash)], at))[0]


FORGET = text("""
    DELETE FROM inbox WHERE (source, message_id) IN (
        SELECT source, message_id FROM inbox WHERE done_at < :before LIMIT :most
    )
""")
FORGET_PUBLISHED = text("""
    DELETE FROM published WHERE ctid = ANY(ARRAY(SELECT ctid FROM published WHERE published_at < :before LIMIT :most))
""")


def forgetting(store: Store, clocks: Clocks, published_kept: timedelta) -> Repeating:
    """Deletes marks of messages that cannot come again, and published messages that are safe by now."""

    async def turn() -> bool:
        """Returns True while there is more."""
        now = clocks.wall()
        async with store.transaction() as uow:
            await uow.connection.execute(PLAN_BY_VALUES)
            gone = [
                await uow.connection.execute(forget, {"before": now - kept, "most": FORGOTTEN_AT_ONCE})
                for forget, kept in ((FORGET, KEPT), (FORGET_PUBLISHED, published_kept))
            ]
        return any(each.rowcount == FORGOTTEN_AT_ONCE for each in gone)

    return Repeating("forgetting", turn, every_seconds=FORGET_EVERY_SECONDS)
