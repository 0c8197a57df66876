"""Strategy discussions, who is invited to each, and what strategy may see of the register."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0007_strategy"
down_revision = "0006_console"

TABLES = """
CREATE TABLE strategy.discussions (
    discussion uuid PRIMARY KEY,
    episode uuid NOT NULL,
    number integer NOT NULL,
    child text NOT NULL,
    authority text NOT NULL,
    sequence integer NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'cancelled')),
    starts_at timestamptz NOT NULL,
    exercise boolean NOT NULL,
    trace text,
    warned_at timestamptz,
    UNIQUE (episode, number)
);
CREATE INDEX discussions_to_begin ON strategy.discussions (starts_at) WHERE state = 'planned' AND warned_at IS NULL;
CREATE INDEX discussions_of_child ON strategy.discussions (child);
CREATE TABLE strategy.attendees (
    duty uuid NOT NULL,
    step integer NOT NULL,
    discussion uuid NOT NULL REFERENCES strategy.discussions,
    role text NOT NULL,
    delivery uuid NOT NULL,
    person text,
    address_hash bytea,
    reply text NOT NULL CHECK (reply IN ('waiting', 'accepted', 'tentative', 'declined', 'counter')),
    replied_at timestamptz,
    PRIMARY KEY (duty, step)
);
CREATE INDEX attendees_of_discussion ON strategy.attendees (discussion)
"""
SEES = ("rota", "carers_now", "for_contact", "for_protocol", "duty_lines")


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)
    for table in ("discussions", "attendees"):
        grant("SELECT, INSERT, UPDATE", f"strategy.{table}", "strategy")
    for view in SEES:
        grant("SELECT", f"register.{view}", "strategy")
    grant("SELECT, INSERT", "register.data_keys", "strategy")
    grant("INSERT", "register.words", "strategy")
