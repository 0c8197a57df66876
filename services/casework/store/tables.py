"""Declares the register's tables that an import writes."""

from sqlalchemy import Boolean, Column, Date, Integer, MetaData, Table, Text, Time
from sqlalchemy.dialects.postgresql import ARRAY

from services.platform.store.tables import hash_column, moments, sealed_columns

register = MetaData(schema="register")


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


authorities = Table(
    "authorities", register, Column("id", Text, primary_key=True), *_texts("name", "duty_line", "bridge")
)
sharing_agreements = Table(
    "sharing_agreements",
    register,
    *(Column(name, Text, primary_key=True) for name in ("authority", "reference")),
    *_texts("force", "basis"),
    Column("fields", ARRAY(Text)),
    *(Column(name, Date) for name in ("from_on", "until_on")),
)
placements = Table(
    "placements",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "kind", "force", "host_authority"),
    *sealed_columns("address"),
    *moments("as_of"),
)
people = Table(
    "people",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "language"),
    *sealed_columns("name", "mobile", "email"),
    hash_column("number_hash"),
    *moments("as_of"),
)
placement_carers = Table(
    "placement_carers",
    register,
    *_texts("placement", "person"),
    *moments("from_at", "to_at", "as_of"),
)
children = Table(
    "children",
    register,
    Column("id", Text, primary_key=True),
    *_texts("authority", "reference", "code", "placement"),
    *sealed_columns("name", "known_as", "sex", "language", "description", "profile"),
    Column("date_of_birth", Date),
    Column("unaccompanied", Boolean),
    Column("modern_slavery_concern", Boolean),
    Column("subject_to_immigration_control", Boolean),
    Column("age_disputed", Boolean),
    Column("guardian_allocated", Boolean),
    *moments("entered_care_at", "as_of"),
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
agency_agreements = Table(
    "agency_agreements",
    register,
    *_texts("authority", "agency"),
    Column("types", ARRAY(Text)),
    Column("verifies", Boolean),
)
