"""The floor's tables. Each service sees its own rows alone: row-level security goes by the login role."""

from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.platform.store.tables import hash_column, moments, sealed_columns

metadata = MetaData(schema="delivery")

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("service", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text),
    Column("duty", UUID(as_uuid=True)),
    Column("step", Integer),
    Column("revision", Integer),
    Column("telling", JSONB(none_as_null=True)),
    Column("child", Text, nullable=False),
    Column("authority", Text),
    Column("episode", UUID(as_uuid=True)),
    Column("role", Text),
    Column("person", Text),
    Column("urgent", Boolean, nullable=False),
    Column("exercise", Boolean, nullable=False),
    Column("trace", Text),
    Column("code", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    *moments("created_at", "next_attempt_at", needed=True),
    Column("lease_owner", Text),
    *moments("lease_until"),
    Column("key_owner", Text, nullable=False),
    *sealed_columns("recipient", "body"),
    hash_column("number_hash"),
    Column("provider_id", Text),
    Column("by_voice", Boolean, nullable=False),
    *moments("withdrawn_at"),
    *moments("changed_at", needed=True),
    Column("looked_up", Text),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery", UUID(as_uuid=True), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("medium", Text, nullable=False),
    *moments("started_at", needed=True),
    Column("took_ms", Integer, nullable=False),
    Column("result", Text, nullable=False),
    Column("status", Integer),
    hash_column("body_hash", needed=True),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("service", Text, primary_key=True),
    Column("duty", UUID(as_uuid=True), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    *moments("at", needed=True),
)
