"""Lets a text's "she" be told from its "he": a conversation reads the child's sex, sealed like the name."""

from alembic import op

revision = "0017_sex_for_conversation"
down_revision = "0016_wait_for_a_number"

CONVERSATION = """
CREATE OR REPLACE VIEW register.for_conversation AS
SELECT p.id AS person, p.number_hash, p.authority, p.language, pc.from_at, pc.to_at, pl.id AS placement, pl.kind,
       pl.force, ch.id AS child, ch.code, ch.name, ch.known_as, k.wrapped AS child_key,
       EXISTS (SELECT FROM register.directory d WHERE d.person = p.id) AS in_directory,
       (SELECT bool_and(starts_with(d.role, 'police.')) FROM register.directory d WHERE d.person = p.id) AS of_police,
       ch.sex
FROM register.people p
LEFT JOIN register.placement_carers pc ON pc.person = p.id
LEFT JOIN register.placements pl ON pl.id = pc.placement
LEFT JOIN register.children ch ON ch.placement = pl.id AND pc.to_at IS NULL
LEFT JOIN register.data_keys k ON k.owner = ch.id
"""


def upgrade() -> None:
    op.execute(CONVERSATION)
