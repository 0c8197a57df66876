"""Carers who have said that they are there, and who have practised."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0011_enrolments"
down_revision = "0010_measuring"

TABLES = """
CREATE TABLE carers.enrolments (
    person text PRIMARY KEY,
    number_hash bytea NOT NULL,
    joined_at timestamptz NOT NULL,
    authority text,
    practising text,
    practising_since timestamptz,
    practised_at timestamptz
);
CREATE INDEX enrolments_practising ON carers.enrolments (practising_since) WHERE practising IS NOT NULL
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    grant("SELECT, INSERT, UPDATE", "carers.enrolments", "carers")
