"""Professionals may keep what somebody wrote in answer to a mail. An authority's bridge, by which a discussion is joined."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0014_answers_by_mail"
down_revision = "0013_audit"


def upgrade() -> None:
    grant("INSERT", "register.words", "professionals")
    op.execute("ALTER TABLE register.authorities ADD COLUMN bridge text")
    op.execute("CREATE VIEW register.bridges AS SELECT id AS authority, bridge FROM register.authorities")
    grant("SELECT", "register.bridges", "casework", "strategy")
