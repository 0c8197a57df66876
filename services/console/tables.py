"""The tables of the read model, as `services/store/migrations/versions/0006_console.py` makes them."""

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

episodes = Table(
    "episodes",
    metadata,
    Column("episode", Uuid, primary_key=True),
    Column("child", Text),
    Column("revision", Integer),
    Column("state", Text),
    Column("opened_at", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True)),
    Column("exercise", Boolean),
    Column("content", JSONB),
)
duties = Table(
    "duties",
    metadata,
    Column("duty", Uuid, primary_key=True),
    Column("child", Text),
    Column("episode", Uuid),
    Column("revision", Integer),
    Column("state", Text),
    Column("waits", Boolean),
    Column("changed_at", DateTime(timezone=True)),
    Column("exercise", Boolean),
    Column("content", JSONB),
)
entries = Table(
    "entries",
    metadata,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("child", Text),
    Column("kind", Text),
    Column("at", DateTime(timezone=True)),
    Column("heard_at", DateTime(timezone=True)),
    Column("exercise", Boolean),
    Column("content", JSONB),
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("letter", Text, primary_key=True),
    Column("service", Text),
    Column("origin", Text),
    Column("reason", Text),
    Column("original_kind", Text),
    Column("at", DateTime(timezone=True)),
)
