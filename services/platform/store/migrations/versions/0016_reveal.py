"""Who a child is, for somebody on duty who has said why; and forces that are reached by mail, on the directory page."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0016_reveal"
down_revision = "0015_forces"

IDENTITY = """
CREATE VIEW register.identity_for_console AS
SELECT c.id AS child, c.code, c.name, c.known_as, k.wrapped
FROM register.children c LEFT JOIN register.data_keys k ON k.owner = c.id
"""
FORCES = """
CREATE OR REPLACE VIEW register.forces_for_console AS
SELECT f.id AS force, f.name,
       coalesce(substring(f.notice_url from '^[a-z]+://([^/]+)'), 'mail at ' || split_part(f.notice_email, '@', 2)) AS host,
       f.callback
FROM register.forces f
"""


def upgrade() -> None:
    op.execute(FORCES)
    op.execute(IDENTITY)
    grant("SELECT", "register.identity_for_console", "console", "casework")
