"""Declares the tables that each service has in its own schema, which the role's search path finds, and the two shared
ones.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import INTERVAL, UUID
from sqlalchemy.types import TypeEngine

MOMENT = DateTime(timezone=True)


def columns(type_: TypeEngine[Any], names: str) -> list[Column[Any]]:
    """Those of one type. The baseline migration says which may be null and which are keys."""
    return [Column(name, type_) for name in names.split()]


metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    *columns(Text(), "source message_id"),
    *columns(LargeBinary(), "content_hash"),
    *columns(MOMENT, "done_at"),
)

outbox = Table(
    "outbox",
    metadata,
    *columns(BigInteger(), "position"),
    *columns(Text(), "key topic"),
    *columns(LargeBinary(), "envelope"),
    *columns(MOMENT, "written_at"),
)

due = Table(
    "due",
    metadata,
    *columns(UUID(), "deadline"),
    *columns(Integer(), "version"),
    *columns(Text(), "child"),
    *columns(LargeBinary(), "envelope"),
    *columns(MOMENT, "due_at fired_at cancelled_at"),
    schema="deadlines",
)

story_clock = Table("clock", metadata, *columns(Integer(), "place"), *columns(INTERVAL(), "ahead_by"), schema="story")
