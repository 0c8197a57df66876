"""Has a notice to police read what was said of its own child alone: each read all words that anybody ever said."""

from alembic import op

revision = "0013_profile_of_one_child"
down_revision = "0012_unread_of_number"

# LIMIT changes no answer: there is one row a child. Without it PostgreSQL joins the groups of all children, made first.
NOTICE = """
CREATE OR REPLACE VIEW register.for_police_notice AS
SELECT ch.id AS child, ch.code, ch.name, ch.known_as, ch.sex, ch.language, ch.description, ch.date_of_birth,
       ch.unaccompanied, ch.modern_slavery_concern, ch.subject_to_immigration_control, ch.age_disputed,
       ch.guardian_allocated, ch.entered_care_at, ck.wrapped AS child_key, pl.placement, pl.kind, pl.address,
       pl.placement_key, pl.force, pl.host_authority, pl.carers, pl.carer_names, pl.carer_mobiles, pl.carer_keys,
       ch.authority, a.name AS authority_name, a.duty_line, ch.profile, ph.child IS NOT NULL AS has_photograph,
       ph.taken_on AS photograph_taken_on, least(ch.as_of, pl.as_of) AS as_of, said.told, said.told_words, said.told_at
FROM register.children ch
JOIN register.authorities a ON a.id = ch.authority
LEFT JOIN register.data_keys ck ON ck.owner = ch.id
LEFT JOIN register.placements_for_police pl ON pl.placement = ch.placement
LEFT JOIN register.photographs ph ON ph.child = ch.id AND ph.removed_at IS NULL
LEFT JOIN LATERAL (SELECT told, told_words, told_at FROM register.profiles_told WHERE child = ch.id LIMIT 1) said ON true
"""


def upgrade() -> None:
    op.execute(NOTICE)
