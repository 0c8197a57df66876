"""What is asked every few seconds goes by an index alone."""

from alembic import op

revision = "0024_sweeps_by_index"
down_revision = "0023_who_cares"

# A role's name compares by the collation "C", and the tables' indexes by the default one: without this no index knows the service,
# and each service's sweep reads past whatever waits for the others.
MINE = 'service = (current_user::text COLLATE "default")'
INDEXES = """
CREATE INDEX deliveries_failed ON delivery.deliveries (service, changed_at) WHERE state = 'failed';
CREATE INDEX withdrawals_by_time ON delivery.withdrawals (service, at);
CREATE INDEX episodes_searched_for ON police.episodes (force) WHERE state IN ('missing', 'located')
"""


def upgrade() -> None:
    for table in ("deliveries", "attempts", "withdrawals"):
        op.execute(f"ALTER POLICY own_rows ON delivery.{table} USING ({MINE}) WITH CHECK ({MINE})")
    for statement in INDEXES.split(";"):
        op.execute(statement)
