"""Inbound texts, and what a conversation remembers: the question asked, reports without a name, how children stand."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0004_carers"
down_revision = "0003_delivery"

TABLES = """
CREATE TABLE carers.texts_in (
    message_sid text PRIMARY KEY,
    number_hash bytea NOT NULL,
    sender bytea NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL,
    story_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    worked_at timestamptz,
    replied_at timestamptz
);
CREATE INDEX texts_in_unworked ON carers.texts_in (received_at, message_sid) WHERE worked_at IS NULL;
CREATE INDEX texts_in_of_number ON carers.texts_in (number_hash, received_at);
CREATE TABLE carers.questions (
    number_hash bytea PRIMARY KEY,
    about text NOT NULL CHECK (about IN ('report', 'return', 'information')),
    provisional text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE TABLE carers.provisionals (
    provisional text PRIMARY KEY,
    number_hash bytea NOT NULL,
    child text,
    reported_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX provisionals_of_number ON carers.provisionals (number_hash) WHERE ended_at IS NULL;
CREATE TABLE carers.standings (
    child text PRIMARY KEY,
    episode uuid,
    opened_at timestamptz,
    revision integer NOT NULL DEFAULT 0,
    state text,
    changed_at timestamptz,
    police text NOT NULL DEFAULT 'not-yet' CHECK (police IN ('not-yet', 'have-it', 'answered')),
    duty_answered boolean NOT NULL DEFAULT false,
    said text,
    said_at timestamptz
)
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    for table in ("texts_in", "questions", "provisionals", "standings"):
        grant("SELECT, INSERT, UPDATE", f"carers.{table}", "carers")
    grant("DELETE", "carers.questions", "carers")
