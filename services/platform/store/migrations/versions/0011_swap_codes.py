"""Lets an import swap children's codes: that no two are the same may be asked once all of its rows are there."""

from alembic import op

revision = "0011_swap_codes"
down_revision = "0010_practice_letters"

# All of a register's children are few: the lock is short.
ASKED_LATER = """
-- squawk-ignore ban-drop-constraint
ALTER TABLE register.children DROP CONSTRAINT children_authority_code_key,
-- squawk-ignore constraint-missing-not-valid, disallowed-unique-constraint
    ADD CONSTRAINT children_codes UNIQUE (authority, code) DEFERRABLE
"""


def upgrade() -> None:
    op.execute(ASKED_LATER)
