"""A number that several authorities know: each report without a name is one authority's, and duty staff name a child by its code."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0035_whose_child"
down_revision = "0034_claims"

BY_CODE = """
    SELECT p.number_hash, p.id AS person, p.authority, ch.id AS child, ch.code, ch.placement, pl.force, k.wrapped
    FROM register.people p
    JOIN register.children ch ON ch.authority = p.authority
    LEFT JOIN register.placements pl ON pl.id = ch.placement
    LEFT JOIN register.data_keys k ON k.owner = ch.id
    WHERE EXISTS (
        SELECT FROM register.directory d
        WHERE d.person = p.id AND (starts_with(d.role, 'duty.') OR (d.child = ch.id AND NOT starts_with(d.role, 'police.')))
    )
"""
"""Duty staff may name each child of their authority, other professionals their own. No name, no address."""
PROVISIONAL = """
    SELECT provisional AS child, authority FROM carers.provisionals WHERE authority IS NOT NULL
    UNION
    SELECT a.child, g.authority FROM casework.accepted a JOIN register.agencies g ON g.id = a.agency
    WHERE starts_with(a.child, 'provisional-')
"""
"""Whose agencies may say who such a child is."""


def upgrade() -> None:
    op.execute("ALTER TABLE carers.provisionals ADD COLUMN authority text, ADD COLUMN placement text")
    op.execute(f"CREATE VIEW register.children_by_code AS {BY_CODE}")
    grant("SELECT", "register.children_by_code", "carers")
    op.execute(f"CREATE VIEW register.provisional_children AS {PROVISIONAL}")
    grant("SELECT", "register.provisional_children", "casework")
