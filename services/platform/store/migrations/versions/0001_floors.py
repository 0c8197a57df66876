"""Schemas and roles a service, inbox and outbox in each, deadlines, story time."""

from alembic import op

from services.platform.store.migrations.access import SERVICES, create_role, grant

revision = "0001_floors"
down_revision = None

INBOX = """
CREATE TABLE {schema}.inbox (
    source text NOT NULL,
    message_id text NOT NULL,
    content_hash bytea NOT NULL,
    done_at timestamptz NOT NULL,
    PRIMARY KEY (source, message_id)
)
"""
OUTBOX = """
CREATE TABLE {schema}.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    topic text NOT NULL,
    envelope bytea NOT NULL,
    written_at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for service in SERVICES:
        create_role(service)
        op.execute(f"CREATE SCHEMA {service}")
        op.execute(INBOX.format(schema=service))
        op.execute(OUTBOX.format(schema=service))
        op.execute(f"CREATE INDEX outbox_by_key ON {service}.outbox (key, position)")
        grant("SELECT, INSERT, DELETE", f"{service}.inbox", service)
        grant("SELECT, INSERT, DELETE", f"{service}.outbox", service)
    _deadlines()
    _story()


def _deadlines() -> None:
    op.execute("CREATE SCHEMA deadlines")
    op.execute("""
        CREATE TABLE deadlines.due (
            deadline uuid PRIMARY KEY,
            version integer NOT NULL,
            child text NOT NULL,
            due_at timestamptz NOT NULL,
            envelope bytea NOT NULL,
            fired_at timestamptz,
            cancelled_at timestamptz
        )
    """)
    op.execute("CREATE INDEX due_next ON deadlines.due (due_at) WHERE fired_at IS NULL AND cancelled_at IS NULL")
    grant("SELECT, INSERT, UPDATE", "deadlines.due", "protocol")
    grant("SELECT, UPDATE (fired_at)", "deadlines.due", "clock")
    grant("SELECT", "deadlines.due", "console")


def _story() -> None:
    op.execute("CREATE SCHEMA story")
    op.execute("CREATE TABLE story.clock (place integer PRIMARY KEY CHECK (place = 1), ahead_by interval NOT NULL)")
    op.execute("INSERT INTO story.clock VALUES (1, interval '0')")
    grant("SELECT", "story.clock", *SERVICES)
    grant("UPDATE", "story.clock", "clock")
