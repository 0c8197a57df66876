"""The console's read model: what it has heard, arranged by episode. Ids, kinds and times alone."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0006_console"
down_revision = "0005_protocol"

EPISODES = """
CREATE TABLE console.episodes (
    episode uuid PRIMARY KEY,
    child text NOT NULL,
    revision integer NOT NULL,
    state text NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL
)
"""
DUTIES = """
CREATE TABLE console.duties (
    duty uuid PRIMARY KEY,
    child text NOT NULL,
    episode uuid,
    revision integer NOT NULL,
    state text NOT NULL,
    waits boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL
)
"""
ENTRIES = """
CREATE TABLE console.entries (
    source text NOT NULL,
    message_id text NOT NULL,
    child text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    content jsonb NOT NULL,
    PRIMARY KEY (source, message_id)
)
"""
DEAD_LETTERS = """
CREATE TABLE console.dead_letters (
    letter text PRIMARY KEY,
    service text NOT NULL,
    origin text NOT NULL,
    reason text NOT NULL,
    original_kind text,
    at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    for table in (EPISODES, DUTIES, ENTRIES, DEAD_LETTERS):
        op.execute(table)
    op.execute("CREATE INDEX episodes_open ON console.episodes (opened_at) WHERE state NOT IN ('closed', 'retracted')")
    op.execute("CREATE INDEX duties_of_episode ON console.duties (episode)")
    op.execute("CREATE INDEX duties_unanswered ON console.duties (changed_at) WHERE waits")
    op.execute("CREATE INDEX entries_of_child ON console.entries (child, at)")
    op.execute("CREATE INDEX dead_letters_newest ON console.dead_letters (at)")
    grant("SELECT, INSERT, UPDATE", "console.episodes", "console")
    grant("SELECT, INSERT, UPDATE", "console.duties", "console")
    grant("SELECT, INSERT", "console.entries", "console")
    grant("SELECT, INSERT", "console.dead_letters", "console")
