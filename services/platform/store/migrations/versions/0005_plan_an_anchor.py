"""Plans an anchor for what came since the last; it was planned for any moment, and read every head that there is."""

from alembic import op

revision = "0005_plan_an_anchor"
down_revision = "0004_asked_often"


def upgrade() -> None:
    op.execute("ALTER FUNCTION audit.anchor(timestamptz) SET plan_cache_mode = 'force_custom_plan'")
