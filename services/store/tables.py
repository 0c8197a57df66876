"""The tables that every service has a copy of in its own schema (the role's search path finds it), and the two shared ones."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import INTERVAL, UUID

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("content_hash", LargeBinary, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
)

due = Table(
    "due",
    metadata,
    Column("deadline", UUID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("child", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("fired_at", DateTime(timezone=True)),
    Column("cancelled_at", DateTime(timezone=True)),
    schema="deadlines",
)

story_clock = Table(
    "clock",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("ahead_by", INTERVAL, nullable=False),
    schema="story",
)
