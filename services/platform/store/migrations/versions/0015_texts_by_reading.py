"""An index of each number's texts by when they were read. It replaces one of unread texts alone, which holds next to
nothing on many pages: PostgreSQL passed it over, and for each text read all that the number had ever sent.
"""

from alembic import op

revision = "0015_texts_by_reading"
down_revision = "0014_due_in_order"

# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('carers.texts_in_by_reading') AND NOT indisvalid) THEN
        DROP INDEX carers.texts_in_by_reading;
    END IF;
END $$
"""
BY_READING = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS texts_in_by_reading
ON carers.texts_in (number_hash, worked_at, received_at, message_sid) INCLUDE (replied_at)
"""
# The former version finds a number's unread texts by the new one too.
FORMER = "DROP INDEX CONCURRENTLY IF EXISTS carers.texts_in_unread"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(STOPPED)
        op.execute(BY_READING)
        op.execute(FORMER)
