"""Mails to one reader that go together: which delivery is in whose mail."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0018_grouped_mails"
down_revision = "0017_by_voice"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE professionals.grouped (delivery uuid PRIMARY KEY, leader uuid NOT NULL, at timestamptz NOT NULL)"
    )
    op.execute("CREATE INDEX grouped_by_leader ON professionals.grouped (leader)")
    grant("SELECT, INSERT", "professionals.grouped", "professionals")
