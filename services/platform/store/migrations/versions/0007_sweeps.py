"""Lets a sweep ask whose a row is only once the authority that the row names no longer keeps it, and counts how often
Twilio was asked to delete a copy.
"""

from alembic import op

revision = "0007_sweeps"
down_revision = "0006_keep_what_goes_on"

OWN_PERIODS = """
CREATE FUNCTION disposal.own_periods(of_record text) RETURNS TABLE (authority text, kept interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id, make_interval(days => (retention ->> of_record)::int) FROM register.authorities
    WHERE retention ->> of_record IS NOT NULL
$$
"""


def upgrade() -> None:
    op.execute(OWN_PERIODS)
    op.execute("ALTER TABLE disposal.provider_copies ADD COLUMN tries integer NOT NULL DEFAULT 0")
    op.execute("GRANT UPDATE (tries) ON disposal.provider_copies TO carers")
