"""What the console's directory shows: who holds which duty when, how each force is reached, and when a contact was last reached."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0012_directory_page"
down_revision = "0011_enrolments"

CONTACTS = """
CREATE TABLE console.contacts (
    person text PRIMARY KEY,
    reached_at timestamptz,
    failed_at timestamptz,
    failure text
)
"""
VIEWS = {
    "directory_for_console": """
        SELECT d.authority, d.role, d.person, c.code, d.turn, d.days, d.starts, d.ends, d.bank_holidays, p.name,
               p.mobile IS NOT NULL AS has_mobile, p.email IS NOT NULL AS has_email, k.wrapped
        FROM register.directory d
        JOIN register.people p ON p.id = d.person
        LEFT JOIN register.children c ON c.id = d.child
        LEFT JOIN register.data_keys k ON k.owner = p.id
    """,
    "forces_for_console": """
        SELECT f.id AS force, f.name, substring(f.notice_url from '^[a-z]+://([^/]+)') AS host, f.callback
        FROM register.forces f
    """,
}


def upgrade() -> None:
    op.execute(CONTACTS)
    grant("SELECT, INSERT, UPDATE", "console.contacts", "console")
    for view, query in VIEWS.items():
        op.execute(f"CREATE VIEW register.{view} AS {query}")
        grant("SELECT", f"register.{view}", "console", "casework")
    grant("SELECT", "register.placements_for_protocol", "console")
