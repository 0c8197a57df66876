"""The full meeting after an urgent discussion: of which form each is, when it ends and is looked at, and what calls it off."""

from alembic import op

revision = "0021_full_meeting"
down_revision = "0020_officers_who_text"

STATEMENTS = """
ALTER TABLE strategy.discussions
    ADD COLUMN form text NOT NULL DEFAULT 'urgent' CHECK (form IN ('urgent', 'full')),
    ADD COLUMN ends_at timestamptz,
    ADD COLUMN warns_at timestamptz,
    ADD COLUMN unless text[] NOT NULL DEFAULT '{retracted}';
UPDATE strategy.discussions SET ends_at = starts_at + interval '45 minutes', warns_at = starts_at - interval '15 minutes';
ALTER TABLE strategy.discussions
    ALTER COLUMN form DROP DEFAULT,
    ALTER COLUMN unless DROP DEFAULT,
    ALTER COLUMN ends_at SET NOT NULL,
    ALTER COLUMN warns_at SET NOT NULL;
DROP INDEX strategy.discussions_to_begin;
DROP INDEX strategy.discussions_to_record;
CREATE INDEX discussions_to_begin ON strategy.discussions (warns_at) WHERE state = 'planned' AND warned_at IS NULL;
CREATE INDEX discussions_to_record ON strategy.discussions (ends_at) WHERE state = 'planned' AND record_asked_at IS NULL
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
