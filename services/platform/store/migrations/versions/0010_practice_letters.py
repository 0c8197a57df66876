"""Keeps whether a dead letter is about practice."""

from alembic import op

revision = "0010_practice_letters"
down_revision = "0009_months_left"


def upgrade() -> None:
    op.execute("ALTER TABLE console.dead_letters ADD COLUMN exercise boolean NOT NULL DEFAULT false")
