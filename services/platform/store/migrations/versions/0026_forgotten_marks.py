"""Marks of messages that cannot come again are found by their age."""

from alembic import op

from services.platform.store.migrations.access import SERVICES

revision = "0026_forgotten_marks"
down_revision = "0025_senders_again"


def upgrade() -> None:
    for service in SERVICES:
        # A block range index: marks are only ever added at the end, and it costs the writers nothing.
        op.execute(f"CREATE INDEX inbox_by_age ON {service}.inbox USING brin (done_at)")
