"""Who signs in at the console, and what they did there. Operators' reasons are words of the register; the console reads those alone."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0008_operators"
down_revision = "0007_strategy"

TABLES = """
CREATE TABLE console.accounts (
    account text PRIMARY KEY,
    sign_in text NOT NULL UNIQUE,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('duty-manager', 'social-worker', 'operator', 'auditor')),
    authority text,
    password_seal text NOT NULL,
    made_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE TABLE console.sessions (
    token_hash bytea PRIMARY KEY,
    account text NOT NULL REFERENCES console.accounts,
    begun_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_account ON console.sessions (account);
CREATE TABLE console.failed_sign_ins (
    sign_in_hash bytea NOT NULL,
    place text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX failed_sign_ins_of_name ON console.failed_sign_ins (sign_in_hash, at);
CREATE TABLE console.acts (
    act uuid PRIMARY KEY,
    account text NOT NULL REFERENCES console.accounts,
    what text NOT NULL,
    at timestamptz NOT NULL
);
ALTER TABLE console.dead_letters ADD COLUMN redriven_at timestamptz, ADD COLUMN redriven_by text
"""
REASONS = """
CREATE VIEW register.words_of_operators AS
SELECT w.id, w.about, w.words, w.said_by, w.at, k.wrapped
FROM register.words w LEFT JOIN register.data_keys k ON k.owner = w.about
WHERE w.said_by LIKE 'account-%'
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    op.execute(REASONS)
    grant("SELECT, INSERT, UPDATE", "console.accounts", "console")
    grant("SELECT, INSERT, UPDATE, DELETE", "console.sessions", "console")
    grant("SELECT, INSERT, DELETE", "console.failed_sign_ins", "console")
    grant("SELECT, INSERT", "console.acts", "console")
    grant("UPDATE (redriven_at, redriven_by)", "console.dead_letters", "console")
    grant("INSERT", "register.words", "console")
    grant("SELECT", "register.words_of_operators", "console", "casework")
