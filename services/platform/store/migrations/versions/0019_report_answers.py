"""Words may answer one of a control room's questions; and police learn who reported, in which role, and how to ring them."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0019_report_answers"
down_revision = "0018_grouped_mails"

VIEWS = {
    "words_said": """
        SELECT w.id, w.about, w.words, w.said_by, w.at, k.wrapped, w.answers
        FROM register.words w LEFT JOIN register.data_keys k ON k.owner = w.about
    """,
    "reporters_for_police": """
        SELECT p.id AS reporter,
               CASE WHEN EXISTS (SELECT FROM register.placement_carers pc WHERE pc.person = p.id AND pc.to_at IS NULL) THEN 'carer'
                    ELSE (SELECT min(d.role) FROM register.directory d WHERE d.person = p.id) END AS role,
               p.name, p.mobile, k.wrapped
        FROM register.people p LEFT JOIN register.data_keys k ON k.owner = p.id
        UNION ALL
        SELECT a.id, 'agency', NULL, NULL, NULL FROM register.agencies a
    """,
}


def upgrade() -> None:
    op.execute("ALTER TABLE register.words ADD COLUMN answers text")
    for view, query in VIEWS.items():
        op.execute(f"CREATE OR REPLACE VIEW register.{view} AS {query}")
    grant("SELECT", "register.reporters_for_police", "casework", "police")
