"""Lets a sweep pass over rows that no authority has deleted yet, and plans an anchor for what came since the last."""

from alembic import op

revision = "0005_soonest_end_of_periods"
down_revision = "0004_asked_often"

SOONEST = """
CREATE FUNCTION disposal.soonest(of_record text, usual interval) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT least(usual, (SELECT min(make_interval(days => (retention ->> of_record)::int)) FROM register.authorities))
$$
"""


def upgrade() -> None:
    op.execute(SOONEST)
    # Otherwise it is planned for any moment, and reads every head that there ever was.
    op.execute("ALTER FUNCTION audit.anchor(timestamptz) SET plan_cache_mode = 'force_custom_plan'")
