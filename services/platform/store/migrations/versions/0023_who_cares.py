"""Rules may ask who cares for a child now: ids alone."""

from alembic import op

revision = "0023_who_cares"
down_revision = "0022_keys_renewed"

FOR_PROTOCOL = """
CREATE OR REPLACE VIEW register.for_protocol AS
SELECT ch.id AS child, ch.authority, pl.force, ch.placement, pl.host_authority, ch.date_of_birth, ch.unaccompanied,
       ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed, ch.guardian_allocated,
       ch.entered_care_at,
       (SELECT array_agg(pc.person ORDER BY pc.person) FROM register.placement_carers pc
        WHERE pc.placement = ch.placement AND pc.to_at IS NULL) AS carers
FROM register.children ch LEFT JOIN register.placements pl ON pl.id = ch.placement
"""


def upgrade() -> None:
    op.execute(FOR_PROTOCOL)
