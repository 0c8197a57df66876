"""The tables as SQLAlchemy sees them; the role's search path finds them in its own schema."""

from sqlalchemy import Boolean, Column, DateTime, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData()
_time = DateTime(timezone=True)

texts_in = Table(
    "texts_in",
    metadata,
    Column("message_sid", Text, primary_key=True),
    Column("number_hash", LargeBinary, nullable=False),
    Column("sender", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", _time, nullable=False),
    Column("story_at", _time, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", _time, nullable=False),
    Column("worked_at", _time),
    Column("replied_at", _time),
)

questions = Table(
    "questions",
    metadata,
    Column("number_hash", LargeBinary, primary_key=True),
    Column("about", Text, nullable=False),
    Column("provisional", Text, nullable=False),
    Column("asked_at", _time, nullable=False),
)

provisionals = Table(
    "provisionals",
    metadata,
    Column("provisional", Text, primary_key=True),
    Column("number_hash", LargeBinary, nullable=False),
    Column("child", Text),
    Column("reported_at", _time, nullable=False),
    Column("ended_at", _time),
)

standings = Table(
    "standings",
    metadata,
    Column("child", Text, primary_key=True),
    Column("episode", UUID(as_uuid=True)),
    Column("opened_at", _time),
    Column("revision", Integer, nullable=False),
    Column("state", Text),
    Column("changed_at", _time),
    Column("police", Text, nullable=False),
    Column("duty_answered", Boolean, nullable=False),
    Column("said", Text),
    Column("said_at", _time),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("person", Text, primary_key=True),
    Column("number_hash", LargeBinary, nullable=False),
    Column("joined_at", _time, nullable=False),
    Column("authority", Text),
    Column("practising", Text),
    Column("practising_since", _time),
    Column("practised_at", _time),
)
