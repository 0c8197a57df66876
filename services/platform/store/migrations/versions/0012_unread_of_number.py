"""An index of each number's unread texts: before, each reading of a text read past all that its sender ever sent."""

from alembic import op

revision = "0012_unread_of_number"
down_revision = "0011_swap_codes"

# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('carers.texts_in_unread') AND NOT indisvalid) THEN
        DROP INDEX carers.texts_in_unread;
    END IF;
END $$
"""
UNREAD = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS texts_in_unread
ON carers.texts_in (number_hash, received_at, message_sid) WHERE worked_at IS NULL
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(STOPPED)
        op.execute(UNREAD)
