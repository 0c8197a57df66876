"""Strategy's tables: discussions, who is invited, who is asked for a record, and what it says."""

from sqlalchemy import Boolean, Column, Integer, Interval, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from services.platform.store.columns import hashed, moments

metadata = MetaData()
_uuid = UUID_COLUMN(as_uuid=True)

discussions = Table(
    "discussions",
    metadata,
    Column("discussion", _uuid, primary_key=True),
    Column("episode", _uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("child", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("form", Text, nullable=False),
    *moments("starts_at", "ends_at", "warns_at", needed=True),
    Column("unless", ARRAY(Text), nullable=False),
    Column("answers_within", Interval, nullable=False),
    *moments("answers_due_at"),
    Column("exercise", Boolean, nullable=False),
    Column("trace", Text),
    *moments("warned_at", "record_asked_at"),
)
attendees = Table(
    "attendees",
    metadata,
    Column("duty", _uuid, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("discussion", _uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("delivery", _uuid, nullable=False),
    Column("person", Text),
    hashed("address_hash"),
    Column("reply", Text, nullable=False),
    *moments("replied_at"),
)
recorders = Table(
    "recorders",
    metadata,
    Column("duty", _uuid, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("discussion", _uuid, nullable=False),
)
records = Table(
    "records",
    metadata,
    Column("discussion", _uuid, primary_key=True),
    Column("content", JSONB, nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    *moments("at", needed=True),
)
