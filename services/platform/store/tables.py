"""The tables that every service has a copy of in its own schema (the role's search path finds it), and the two shared ones."""

from sqlalchemy import BigInteger, Column, Identity, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import INTERVAL, UUID

from services.platform.store.columns import hashed, moments

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    hashed("content_hash", needed=True),
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
