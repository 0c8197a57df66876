"""A discussion's record: who is asked for it, what it says, and the words of it that strategy may read again."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0009_discussion_record"
down_revision = "0008_operators"

STATEMENTS = """
ALTER TABLE strategy.discussions DROP CONSTRAINT discussions_state_check;
ALTER TABLE strategy.discussions ADD CONSTRAINT discussions_state_check CHECK (state IN ('planned', 'cancelled', 'held'));
ALTER TABLE strategy.discussions ADD COLUMN record_asked_at timestamptz;
CREATE INDEX discussions_to_record ON strategy.discussions (starts_at) WHERE state = 'planned' AND record_asked_at IS NULL;
CREATE TABLE strategy.recorders (
    duty uuid NOT NULL,
    step integer NOT NULL,
    discussion uuid NOT NULL REFERENCES strategy.discussions,
    PRIMARY KEY (duty, step)
);
CREATE TABLE strategy.records (
    discussion uuid PRIMARY KEY REFERENCES strategy.discussions,
    content jsonb NOT NULL,
    words text[] NOT NULL,
    at timestamptz NOT NULL
);
CREATE VIEW register.discussion_records AS
    SELECT r.discussion, w.id, w.about, w.words, k.wrapped, array_position(r.words, w.id) AS place
    FROM strategy.records r
    JOIN register.words w ON w.id = ANY (r.words)
    LEFT JOIN register.data_keys k ON k.owner = w.about
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
    for table in ("recorders", "records"):
        grant("SELECT, INSERT", f"strategy.{table}", "strategy")
    grant("SELECT", "register.discussion_records", "strategy")
