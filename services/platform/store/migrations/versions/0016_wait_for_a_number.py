"""Lets a text about one of many children wait for one whose number counts the child: its row says where it went."""

from alembic import op

revision = "0016_wait_for_a_number"
down_revision = "0015_texts_by_reading"


def upgrade() -> None:
    op.execute("GRANT UPDATE (leader, counted, at, reader, on_duty) ON professionals.mass_texts TO professionals")
