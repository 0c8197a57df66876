"""Keeps since when a session goes on without its provider's word."""

from alembic import op

revision = "0003_unanswered_since"
down_revision = "0002_take_offers_back"


def upgrade() -> None:
    op.execute("ALTER TABLE console.sessions ADD COLUMN unanswered_since timestamptz")
