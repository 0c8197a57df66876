"""Keeps the timeline of an absence from its first report: that of a child not yet known may be older than the absence
into which it was merged.
"""

from alembic import op

revision = "0008_keep_what_was_merged"
down_revision = "0007_sweeps"

# `$1`: the first moment that is kept of everybody. What was merged goes on as long as that into which it was merged.
NEEDED = """
UPDATE months.tables SET needed = $needed$
    SELECT names.child, min(e.opened_at) AS since
    FROM console.episodes e
    CROSS JOIN LATERAL (SELECT e.child UNION ALL SELECT i.child FROM console.entries i WHERE i.identifies = e.child) names
    WHERE e.opened_at < $1 AND EXISTS (
        SELECT FROM console.episodes o WHERE o.episode IN (e.episode, (e.content ->> 'merged_into')::uuid)
        AND (o.state NOT IN ('closed', 'retracted', 'merged') OR o.changed_at >= $1))
    GROUP BY names.child
$needed$ WHERE name = 'console.entries'
"""


def upgrade() -> None:
    op.execute(NEEDED)
