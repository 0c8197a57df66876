"""An episode that goes on in another is over: the console asks for neither it nor any other that is over."""

from alembic import op

revision = "0030_merged_episodes"
down_revision = "0029_answered"


def upgrade() -> None:
    op.execute("DROP INDEX console.episodes_open")
    op.execute(
        "CREATE INDEX episodes_open ON console.episodes (opened_at) WHERE state NOT IN ('closed', 'retracted', 'merged')"
    )
