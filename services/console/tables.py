"""The tables of the console, as migrations 0006 and after make them: the read model, accounts, acts."""

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, Uuid
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
    Column("redriven_at", DateTime(timezone=True)),
    Column("redriven_by", Text),
)
accounts = Table(
    "accounts",
    metadata,
    Column("account", Text, primary_key=True),
    Column("sign_in", Text),
    Column("name", Text),
    Column("role", Text),
    Column("authority", Text),
    Column("password_seal", Text),
    Column("made_at", DateTime(timezone=True)),
    Column("disabled_at", DateTime(timezone=True)),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("account", Text),
    Column("begun_at", DateTime(timezone=True)),
    Column("used_at", DateTime(timezone=True)),
)
failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    Column("sign_in_hash", LargeBinary),
    Column("place", Text),
    Column("at", DateTime(timezone=True)),
)
acts = Table(
    "acts",
    metadata,
    Column("act", Uuid, primary_key=True),
    Column("account", Text),
    Column("what", Text),
    Column("at", DateTime(timezone=True)),
)
contacts = Table(
    "contacts",
    metadata,
    Column("person", Text, primary_key=True),
    Column("reached_at", DateTime(timezone=True)),
    Column("failed_at", DateTime(timezone=True)),
    Column("failure", Text),
)
