"""The mark "this message is done", written in the transaction of its effects."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.store.tables import inbox
from services.store.transaction import Transaction


class Mark(StrEnum):
    NEW = "new"
    DONE_BEFORE = "done-before"
    OTHER_CONTENT = "other-content"
    """The same source and id were done before with other content: somebody reuses ids."""


async def mark(transaction: Transaction, *, source: str, message_id: str, content_hash: bytes, at: datetime) -> Mark:
    """NEW means that this transaction holds the mark: two that race for one message wait for each other here."""
    row = {"source": source, "message_id": message_id, "content_hash": content_hash, "done_at": at}
    written = await transaction.connection.execute(
        insert(inbox).values(row).on_conflict_do_nothing().returning(inbox.c.message_id)
    )
    if written.first() is not None:
        return Mark.NEW
    known = await transaction.connection.scalar(
        select(inbox.c.content_hash).where(inbox.c.source == source, inbox.c.message_id == message_id)
    )
    return Mark.DONE_BEFORE if known == content_hash else Mark.OTHER_CONTENT
