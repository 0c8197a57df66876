"""Declares the register's purpose views, and the two tables that several services write, for SQLAlchemy."""

from sqlalchemy import Column, DateTime, MetaData, Table, Text, column, table
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.sql.selectable import TableClause

SCHEMA = "register"
metadata = MetaData(schema=SCHEMA)

data_keys = Table(
    "data_keys", metadata, Column("owner", Text, primary_key=True), Column("wrapped", BYTEA, nullable=False)
)
words = Table(
    "words",
    metadata,
    Column("id", Text, primary_key=True),
    Column("about", Text, nullable=False),
    Column("words", BYTEA, nullable=False),
    Column("said_by", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("answers", Text),
)


def _view(name: str, columns: str) -> TableClause:
    return table(name, *(column(each) for each in columns.split()), schema=SCHEMA)


PLACEMENT_FOR_POLICE = (
    "placement kind address as_of placement_key force host_authority carers carer_names carer_mobiles carer_keys "
    "authority authority_name duty_line"
)
placements_for_police = _view("placements_for_police", PLACEMENT_FOR_POLICE)
for_police_notice = _view(
    "for_police_notice",
    "child code name known_as sex language description date_of_birth unaccompanied modern_slavery_concern "
    "subject_to_immigration_control age_disputed guardian_allocated entered_care_at child_key "
    "profile has_photograph photograph_taken_on told told_words told_at " + PLACEMENT_FOR_POLICE,
)
forces_for_police = _view(
    "forces_for_police",
    "force version effective_at name notice_url notice_email polls secrets reply_secrets client_certificate oauth callback "
    "private_ca sends_open_list wrapped",
)
for_conversation = _view(
    "for_conversation",
    "person number_hash authority language from_at to_at placement kind force child code name known_as child_key in_directory "
    "of_police",
)
duty_lines = _view("duty_lines", "authority duty_line live")
for_protocol = _view(
    "for_protocol",
    "child authority force placement host_authority adult_on unaccompanied modern_slavery_concern "
    "subject_to_immigration_control age_disputed guardian_allocated entered_care_at carers",
)
placements_for_protocol = _view("placements_for_protocol", "placement authority force host_authority")
rota = _view(
    "rota", "authority role person child turn days starts ends bank_holidays language from_at to_at in_place_of away"
)
carers_now = _view("carers_now", "placement child person authority language from_at")
for_contact = _view("for_contact", "person authority mobile email language wrapped")
directory_for_console = _view(
    "directory_for_console",
    "authority role person code turn days starts ends bank_holidays name has_mobile has_email wrapped change from_at "
    "to_at in_place_of away",
)
provisional_children = _view("provisional_children", "child authority")
words_told_to_police = _view("words_told_to_police", "delivery id about words said_by at wrapped answers")
discussion_records = _view("discussion_records", "discussion id about words wrapped place")
