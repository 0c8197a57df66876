"""The floor's tables. Each service sees its own rows alone: row-level security goes by the login role."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from services.platform.store.tables import MOMENT, columns

metadata = MetaData(schema="delivery")

deliveries = Table(
    "deliveries",
    metadata,
    *columns(UUID(), "id duty episode"),
    *columns(Text(), "service lane state kind child authority role person trace code lease_owner key_owner"),
    *columns(Text(), "provider_id looked_up"),
    *columns(Integer(), "step revision attempts"),
    *columns(Boolean(), "urgent exercise by_voice"),
    *columns(MOMENT, "created_at next_attempt_at lease_until withdrawn_at changed_at"),
    *columns(LargeBinary(), "recipient body number_hash"),
    Column("telling", JSONB(none_as_null=True)),
)

attempts = Table(
    "attempts",
    metadata,
    *columns(UUID(), "delivery"),
    *columns(Integer(), "attempt took_ms status"),
    *columns(Text(), "service medium result"),
    *columns(MOMENT, "started_at"),
    *columns(LargeBinary(), "body_hash"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    *columns(UUID(), "duty"),
    *columns(Text(), "service"),
    *columns(Integer(), "step revision"),
    *columns(MOMENT, "at"),
)
