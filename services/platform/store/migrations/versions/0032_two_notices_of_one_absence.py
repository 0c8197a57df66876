"""An absence that was reported twice: a force has two notices of it, of which the second's episode is the first's."""

from alembic import op

revision = "0032_two_notices_of_one_absence"
down_revision = "0031_words_told_to_police"

STATES = "CHECK (state IN ('missing', 'located', 'returned', 'retracted', 'merged'))"


def upgrade() -> None:
    op.execute(
        f"ALTER TABLE police.episodes DROP CONSTRAINT episodes_state_check, ADD CONSTRAINT episodes_state_check {STATES}"
    )
