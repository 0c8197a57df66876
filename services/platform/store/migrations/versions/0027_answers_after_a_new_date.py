"""After a discussion was moved: how long people have to say again that they come, and until when."""

from alembic import op

revision = "0027_answers_after_a_new_date"
down_revision = "0026_forgotten_marks"

STATEMENTS = """
ALTER TABLE strategy.discussions
    ADD COLUMN answers_within interval NOT NULL DEFAULT '20 minutes',
    ADD COLUMN answers_due_at timestamptz;
ALTER TABLE strategy.discussions ALTER COLUMN answers_within DROP DEFAULT;
CREATE INDEX discussions_asked_again ON strategy.discussions (answers_due_at)
    WHERE state = 'planned' AND answers_due_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";"):
        op.execute(statement)
