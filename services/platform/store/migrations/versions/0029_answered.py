"""When a contact last answered: a message that arrived shows that a number works, an answer that somebody is there."""

from alembic import op

revision = "0029_answered"
down_revision = "0028_transferred"


def upgrade() -> None:
    op.execute("ALTER TABLE console.contacts ADD COLUMN answered_at timestamptz")
