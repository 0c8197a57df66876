"""What operators' measurements read: to which cohort a child belongs, and deliveries by when they were put."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0010_measuring"
down_revision = "0009_discussion_record"

# Of a child whom the register does not hold, nothing: it is counted as unknown.
COHORTS = """
CREATE VIEW register.cohorts AS
SELECT id AS child,
    CASE WHEN unaccompanied AND modern_slavery_concern THEN 'both'
         WHEN unaccompanied THEN 'unaccompanied'
         WHEN modern_slavery_concern THEN 'modern-slavery'
         WHEN unaccompanied IS NULL OR modern_slavery_concern IS NULL THEN 'unknown'
         ELSE 'neither' END AS cohort
FROM register.children
"""


def upgrade() -> None:
    op.execute(COHORTS)
    grant("SELECT", "register.cohorts", "console")
    # A block range index: rows are only ever added at its end, and each change of a row costs it nothing.
    op.execute("CREATE INDEX deliveries_newest ON delivery.deliveries USING brin (created_at)")
