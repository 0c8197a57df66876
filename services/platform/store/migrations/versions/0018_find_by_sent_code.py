"""Lets the duty desk find a case by the code of any text or notice that was sent: ids alone, no number, no words."""

from alembic import op

revision = "0018_find_by_sent_code"
down_revision = "0017_sex_for_conversation"

VIEW = """
CREATE OR REPLACE VIEW delivery.codes_for_console AS
SELECT id AS delivery, code, child, authority, episode FROM delivery.deliveries
WHERE number_hash IS NOT NULL OR service = 'police'
"""
# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('delivery.deliveries_by_sent_code') AND NOT indisvalid) THEN
        DROP INDEX delivery.deliveries_by_sent_code;
    END IF;
END $$
"""
BY_CODE = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_by_sent_code
ON delivery.deliveries (code) WHERE number_hash IS NOT NULL OR service = 'police'
"""


def upgrade() -> None:
    op.execute(VIEW)
    op.execute("GRANT USAGE ON SCHEMA delivery TO console")
    op.execute("GRANT SELECT ON delivery.codes_for_console TO console")
    with op.get_context().autocommit_block():
        op.execute(STOPPED)
        op.execute(BY_CODE)
