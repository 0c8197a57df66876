"""Gives each text a priority: those of known numbers are read first, and those that the release before keeps.

The release before still reads by `texts_in_unworked`.
"""

from alembic import op

revision = "0021_known_first"
down_revision = "0020_text_numbers"

PRIORITY = """
-- squawk-ignore prefer-bigint-over-smallint
ALTER TABLE carers.texts_in ADD COLUMN IF NOT EXISTS priority smallint NOT NULL DEFAULT 0
"""
# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('carers.texts_in_in_order') AND NOT indisvalid) THEN
        DROP INDEX carers.texts_in_in_order;
    END IF;
END $$
"""
IN_ORDER = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS texts_in_in_order
ON carers.texts_in (priority, received_at, message_sid) WHERE worked_at IS NULL
"""


def upgrade() -> None:
    op.execute(PRIORITY)
    with op.get_context().autocommit_block():
        op.execute(STOPPED)
        op.execute(IN_ORDER)
