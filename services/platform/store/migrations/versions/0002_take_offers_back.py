"""Lets `police` take back what it offered a force: what it cannot open now, the force has not confirmed."""

from alembic import op

revision = "0002_take_offers_back"
down_revision = "0001_baseline"


def upgrade() -> None:
    op.execute("GRANT DELETE ON police.offered TO police")
