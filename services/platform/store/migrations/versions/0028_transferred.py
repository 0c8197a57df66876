"""Children whom an authority has given away: under its reference they are found, and no import makes them anew."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0028_transferred"
down_revision = "0027_answers_after_a_new_date"

TABLE = """
CREATE TABLE casework.transferred (
    authority text NOT NULL,
    reference text NOT NULL,
    child text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (authority, reference)
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("CREATE INDEX transferred_by_child ON casework.transferred (child)")
    grant("SELECT, INSERT, DELETE", "casework.transferred", "casework")
