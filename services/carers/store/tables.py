"""The tables as SQLAlchemy sees them; the role's search path finds them in its own schema."""

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, Uuid

from services.platform.store.tables import hash_column, moments, sealed_columns

metadata = MetaData()

texts_in = Table(
    "texts_in",
    metadata,
    Column("message_sid", Text, primary_key=True),
    hash_column("number_hash", needed=True),
    *sealed_columns("sender", "body", needed=True),
    *moments("received_at", "story_at", needed=True),
    Column("tries", Integer, nullable=False),
    *moments("next_try_at", needed=True),
    *moments("worked_at", "replied_at"),
    Column("key_owner", Text),
    hash_column("content_hash"),
    Column("flaw", Text),
)

questions = Table(
    "questions",
    metadata,
    Column("number_hash", LargeBinary, primary_key=True),
    Column("about", Text, nullable=False),
    Column("provisional", Text, nullable=False),
    *moments("asked_at", needed=True),
)

provisionals = Table(
    "provisionals",
    metadata,
    Column("provisional", Text, primary_key=True),
    hash_column("number_hash", needed=True),
    Column("child", Text),
    *moments("reported_at", needed=True),
    *moments("ended_at"),
    Column("authority", Text),
    Column("placement", Text),
)

claims = Table(
    "claims",
    metadata,
    hash_column("number_hash", needed=True),
    Column("code", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("person", Text),
    Column("episode", Uuid),
    *moments("claimed_at", "expires_at", needed=True),
    *moments("confirmed_at", "ended_at"),
    Column("wrong_codes", Integer, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("person", Text, primary_key=True),
    hash_column("number_hash", needed=True),
    *moments("joined_at", needed=True),
    Column("authority", Text),
    Column("practising", Text),
    *moments("practising_since", "practised_at"),
)
