"""The register's tables, written by casework alone, and casework's own."""

from sqlalchemy import Boolean, Column, Date, DateTime, Integer, LargeBinary, MetaData, Table, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY

register = MetaData(schema="register")
own = MetaData()


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


def _sealed(*names: str) -> list[Column[bytes]]:
    return [Column(name, LargeBinary) for name in names]


authorities = Table(
    "authorities", register, Column("id", Text, primary_key=True), *_texts("name", "duty_line", "bridge")
)
forces = Table(
    "forces",
    register,
    Column("id", Text, primary_key=True),
    *_texts("name", "notice_url", "callback", "notice_email", "private_ca"),
    Column("agreed", ARRAY(Text)),
    Column("sends_open_list", Boolean),
    *_sealed("secrets", "reply_secrets"),
)
placements = Table(
    "placements",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "kind", "force", "host_authority"),
    *_sealed("address"),
)
people = Table(
    "people",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "language"),
    *_sealed("name", "mobile", "number_hash", "email"),
)
placement_carers = Table(
    "placement_carers",
    register,
    *_texts("placement", "person"),
    Column("from_at", DateTime(timezone=True)),
    Column("to_at", DateTime(timezone=True)),
)
children = Table(
    "children",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "code", "placement"),
    *_sealed("name", "known_as", "sex", "language", "description", "profile"),
    Column("date_of_birth", Date),
    Column("unaccompanied", Boolean),
    Column("modern_slavery_concern", Boolean),
    Column("subject_to_immigration_control", Boolean),
    Column("age_disputed", Boolean),
    Column("guardian_allocated", Boolean),
    Column("entered_care_at", DateTime(timezone=True)),
)
photographs = Table(
    "photographs",
    register,
    Column("child", Text, primary_key=True),
    *_sealed("picture"),
    *_texts("media_type"),
    Column("taken_on", Date),
    Column("stored_at", DateTime(timezone=True)),
)
directory = Table(
    "directory",
    register,
    *_texts("authority", "role", "person", "child"),
    Column("turn", Integer),
    Column("days", Text),
    Column("starts", Time),
    Column("ends", Time),
    Column("bank_holidays", Boolean),
)
agencies = Table(
    "agencies",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority"),
    *_sealed("secrets"),
    Column("types", ARRAY(Text)),
    Column("verifies", Boolean),
)
agency_sources = Table("agency_sources", register, Column("source", Text, primary_key=True), *_texts("agency"))

accepted = Table(
    "accepted",
    own,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("content_hash", LargeBinary, nullable=False),
    Column("child", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
"""Agencies' events that were answered 2xx, so that the same again has the same answer."""
