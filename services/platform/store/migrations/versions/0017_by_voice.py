"""A text that does not arrive is read out by a call."""

from alembic import op

revision = "0017_by_voice"
down_revision = "0016_reveal"


def upgrade() -> None:
    op.execute("ALTER TABLE delivery.deliveries ADD COLUMN by_voice boolean NOT NULL DEFAULT false")
    op.execute(
        "CREATE INDEX deliveries_taken_by_text ON delivery.deliveries (service, changed_at) "
        "WHERE state = 'accepted' AND lane = 'texts' AND NOT by_voice"
    )
