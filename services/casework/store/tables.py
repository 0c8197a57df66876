"""The register's tables, written by casework alone, and casework's own."""

from sqlalchemy import Boolean, Column, Date, Integer, MetaData, Table, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY

from services.platform.store.tables import hashed, moments, sealed

register = MetaData(schema="register")
own = MetaData()


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


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
    *sealed("secrets", "reply_secrets"),
)
placements = Table(
    "placements",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "kind", "force", "host_authority"),
    *sealed("address"),
)
people = Table(
    "people",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "language"),
    *sealed("name", "mobile", "email"),
    hashed("number_hash"),
)
placement_carers = Table(
    "placement_carers",
    register,
    *_texts("placement", "person"),
    *moments("from_at", "to_at"),
)
children = Table(
    "children",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "code", "placement"),
    *sealed("name", "known_as", "sex", "language", "description", "profile"),
    Column("date_of_birth", Date),
    Column("unaccompanied", Boolean),
    Column("modern_slavery_concern", Boolean),
    Column("subject_to_immigration_control", Boolean),
    Column("age_disputed", Boolean),
    Column("guardian_allocated", Boolean),
    *moments("entered_care_at"),
)
photographs = Table(
    "photographs",
    register,
    Column("child", Text, primary_key=True),
    *sealed("picture"),
    *_texts("media_type"),
    Column("taken_on", Date),
    *moments("stored_at"),
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
    *sealed("secrets"),
    Column("types", ARRAY(Text)),
    Column("verifies", Boolean),
)
agency_sources = Table("agency_sources", register, Column("source", Text, primary_key=True), *_texts("agency"))

accepted = Table(
    "accepted",
    own,
    Column("source", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    hashed("content_hash", needed=True),
    Column("child", Text, nullable=False),
    Column("agency", Text, nullable=False),
    *moments("at", needed=True),
)
"""Agencies' events that were answered 2xx, so that the same again has the same answer."""

transferred = Table(
    "transferred",
    own,
    Column("authority", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    *_texts("child"),
    *moments("at", needed=True),
)
"""Children whom an authority has given away, by the reference that they had with it."""
