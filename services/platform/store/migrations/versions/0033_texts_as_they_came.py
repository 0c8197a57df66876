"""What a text said, as a keyed hash, so that other words by the same id of Twilio's are no repeat; and what was wrong with it."""

from alembic import op

revision = "0033_texts_as_they_came"
down_revision = "0032_two_notices_of_one_absence"

FLAWS = "CHECK (flaw IN ('not-utf-8', 'several-bodies', 'too-long', 'other-words'))"


def upgrade() -> None:
    op.execute(f"ALTER TABLE carers.texts_in ADD COLUMN content_hash bytea, ADD COLUMN flaw text {FLAWS}")
