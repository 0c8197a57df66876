"""An index that gives what is due in its order: before, each claim sorted all that was due, the more the longer."""

from alembic import op

revision = "0014_due_in_order"
down_revision = "0013_profile_of_one_child"

# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('delivery.deliveries_in_order') AND NOT indisvalid) THEN
        DROP INDEX delivery.deliveries_in_order;
    END IF;
END $$
"""
IN_ORDER = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_in_order
ON delivery.deliveries (service, urgent DESC, next_attempt_at) WHERE state IN ('waiting', 'sending', 'unknown')
"""
# The former version asks for what is due in the same order, and finds it by this index too.
FORMER = "DROP INDEX CONCURRENTLY IF EXISTS delivery.deliveries_due"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(STOPPED)
        op.execute(IN_ORDER)
        op.execute(FORMER)
