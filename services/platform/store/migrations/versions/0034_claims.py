"""What a number has said that would end a search, until it is confirmed by a code."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0034_claims"
down_revision = "0033_texts_as_they_came"

TABLES = """
CREATE TABLE carers.claims (
    number_hash bytea NOT NULL,
    code text NOT NULL,
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('return', 'retraction', 'practice')),
    authority text NOT NULL,
    person text,
    episode uuid,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz,
    wrong_codes integer NOT NULL DEFAULT 0,
    PRIMARY KEY (number_hash, code, subject)
);
CREATE INDEX claims_of_number ON carers.claims (number_hash, claimed_at);
CREATE INDEX claims_of_subject ON carers.claims (subject) WHERE confirmed_at IS NULL AND ended_at IS NULL;
ALTER TABLE carers.standings ADD COLUMN ends_on_word boolean NOT NULL DEFAULT false
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    grant("SELECT, INSERT, UPDATE", "carers.claims", "carers")
