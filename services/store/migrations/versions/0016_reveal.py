"""Who a child is, for somebody on duty who has said why."""

from alembic import op

from services.store.migrations.access import grant

revision = "0016_reveal"
down_revision = "0015_forces"

IDENTITY = """
CREATE VIEW register.identity_for_console AS
SELECT c.id AS child, c.code, c.name, c.known_as, k.wrapped
FROM register.children c LEFT JOIN register.data_keys k ON k.owner = c.id
"""


def upgrade() -> None:
    op.execute(IDENTITY)
    grant("SELECT", "register.identity_for_console", "console", "casework")
