"""Police know which accounts of the console may have notices sent again, so that a command names who gave it."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0025_senders_again"
down_revision = "0024_sweeps_by_index"


def upgrade() -> None:
    op.execute("""
        CREATE VIEW register.operators_who_send_again AS
        SELECT account, sign_in, role, authority FROM console.accounts
        WHERE disabled_at IS NULL AND role IN ('duty-manager', 'operator')
    """)
    grant("SELECT", "register.operators_who_send_again", "casework", "police")
