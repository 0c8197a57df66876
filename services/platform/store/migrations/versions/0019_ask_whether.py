"""Keeps whether a child is missing at all as a question of its own, and of whom a reference of 101 was texted."""

from alembic import op

revision = "0019_ask_whether"
down_revision = "0018_find_by_sent_code"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE carers.questions ADD COLUMN IF NOT EXISTS whether boolean NOT NULL DEFAULT false,
            ADD COLUMN IF NOT EXISTS authority text, ADD COLUMN IF NOT EXISTS person text,
            ADD COLUMN IF NOT EXISTS called_at timestamptz
    """)
    op.execute("ALTER TABLE carers.standings ADD COLUMN IF NOT EXISTS referred_at timestamptz")
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS carers.questions_silent")
        op.execute("""
            CREATE INDEX CONCURRENTLY IF NOT EXISTS questions_silent ON carers.questions (asked_at) WHERE whether AND called_at IS NULL
        """)
