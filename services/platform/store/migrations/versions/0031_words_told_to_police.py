"""Police read the words that a notice of theirs names, and no others: not a discussion's record, nor an operator's reason beside it.

`words_said` gives no more than that either. It stays for a police service from before, until that is replaced.
"""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0031_words_told_to_police"
down_revision = "0030_merged_episodes"

TOLD = """
CREATE VIEW register.words_told_to_police AS
SELECT d.id AS delivery, w.id, w.about, w.words, w.said_by, w.at, k.wrapped, w.answers
FROM delivery.deliveries d
CROSS JOIN LATERAL jsonb_array_elements_text(d.telling -> 'words') AS told (words)
JOIN register.words w ON w.id = told.words
LEFT JOIN register.data_keys k ON k.owner = w.about
WHERE d.service = 'police'
"""
BEFORE = """
CREATE OR REPLACE VIEW register.words_said AS
SELECT DISTINCT id, about, words, said_by, at, wrapped, answers FROM register.words_told_to_police
"""


def upgrade() -> None:
    op.execute(TOLD)
    op.execute(BEFORE)
    grant("SELECT", "register.words_told_to_police", "police")
