"""The floor's tables. Each service sees its own rows alone: row-level security goes by the login role."""

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(schema="delivery")
_time = DateTime(timezone=True)

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
    Column("created_at", _time, nullable=False),
    Column("next_attempt_at", _time, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", _time),
    Column("key_owner", Text, nullable=False),
    Column("recipient", LargeBinary),
    Column("body", LargeBinary),
    Column("number_hash", LargeBinary),
    Column("provider_id", Text),
    Column("by_voice", Boolean, nullable=False),
    Column("withdrawn_at", _time),
    Column("changed_at", _time, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery", UUID(as_uuid=True), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("started_at", _time, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("result", Text, nullable=False),
    Column("status", Integer),
    Column("body_hash", LargeBinary, nullable=False),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("service", Text, primary_key=True),
    Column("duty", UUID(as_uuid=True), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("at", _time, nullable=False),
)

codes = Table(
    "codes",
    metadata,
    Column("delivery", UUID(as_uuid=True)),
    Column("code", Text),
    Column("number_hash", LargeBinary),
    Column("service", Text),
    Column("duty", UUID(as_uuid=True)),
    Column("step", Integer),
    Column("child", Text),
    Column("authority", Text),
    Column("episode", UUID(as_uuid=True)),
    Column("role", Text),
    Column("person", Text),
    Column("exercise", Boolean),
    Column("trace", Text),
    Column("created_at", _time),
)
