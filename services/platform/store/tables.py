"""Defines the tables that each service has in its own schema, which the role's search path finds, the two shared ones,
and the columns that all services' tables use.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import INTERVAL, UUID

MOMENT = DateTime(timezone=True)


def sealed_columns(*names: str, needed: bool = False) -> list[Column[bytes]]:
    """Encrypted by the application (`services.platform.store.encryption`). `needed`: never null."""
    return [Column(name, LargeBinary, nullable=not needed) for name in names]


def hash_column(name: str, *, needed: bool = False) -> Column[bytes]:
    """A hash that finds or compares a value that is not kept in the clear."""
    return Column(name, LargeBinary, nullable=not needed)


def moments(*names: str, needed: bool = False) -> list[Column[datetime]]:
    return [Column(name, MOMENT, nullable=not needed) for name in names]


metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    hash_column("content_hash", needed=True),
    *moments("done_at", needed=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    *moments("written_at", needed=True),
)

due = Table(
    "due",
    metadata,
    Column("deadline", UUID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("child", Text, nullable=False),
    *moments("due_at", needed=True),
    Column("envelope", LargeBinary, nullable=False),
    *moments("fired_at", "cancelled_at"),
    schema="deadlines",
)

story_clock = Table(
    "clock",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("ahead_by", INTERVAL, nullable=False),
    schema="story",
)
