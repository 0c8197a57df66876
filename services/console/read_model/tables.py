"""Defines the tables of the console: the read model, accounts, acts."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.platform.store.tables import hashed, moments

metadata = MetaData()

episodes = Table(
    "episodes",
    metadata,
    Column("episode", Uuid, primary_key=True),
    Column("child", Text),
    Column("revision", Integer),
    Column("state", Text),
    *moments("opened_at", "changed_at"),
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
    *moments("changed_at"),
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
    *moments("at", "heard_at"),
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
    *moments("at", "redriven_at"),
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
    *moments("made_at", "disabled_at"),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("account", Text),
    *moments("begun_at", "used_at"),
)
failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    hashed("sign_in_hash"),
    Column("place", Text),
    *moments("at"),
)
acts = Table(
    "acts",
    metadata,
    Column("act", Uuid, primary_key=True),
    Column("account", Text),
    Column("what", Text),
    *moments("at"),
)
contacts = Table(
    "contacts",
    metadata,
    Column("person", Text, primary_key=True),
    *moments("reached_at", "answered_at", "failed_at"),
    Column("failure", Text),
)
