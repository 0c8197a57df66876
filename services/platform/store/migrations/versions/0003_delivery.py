"""Deliveries, their attempts, withdrawals; the codes that people text back. Row-level security: a service sees its own rows."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0003_delivery"
down_revision = "0002_register"

SENDERS = ("carers", "police", "strategy", "professionals")
TABLES = """
CREATE TABLE delivery.deliveries (
    id uuid PRIMARY KEY,
    service text NOT NULL,
    lane text NOT NULL,
    state text NOT NULL CHECK (state IN
        ('waiting', 'sending', 'unknown', 'accepted', 'delivered', 'acknowledged', 'failed', 'withdrawn')),
    kind text,
    duty uuid,
    step integer,
    revision integer,
    telling jsonb,
    child text NOT NULL,
    authority text,
    episode uuid,
    role text,
    person text,
    urgent boolean NOT NULL,
    exercise boolean NOT NULL,
    trace text,
    code text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    lease_owner text,
    lease_until timestamptz,
    key_owner text NOT NULL,
    recipient bytea,
    body bytea,
    number_hash bytea,
    provider_id text,
    withdrawn_at timestamptz,
    changed_at timestamptz NOT NULL
);
CREATE INDEX deliveries_due ON delivery.deliveries (service, next_attempt_at)
    WHERE state IN ('waiting', 'sending', 'unknown');
CREATE INDEX deliveries_by_lane ON delivery.deliveries (service, lane) WHERE state IN ('waiting', 'sending', 'unknown');
CREATE INDEX deliveries_by_duty ON delivery.deliveries (duty, step) WHERE duty IS NOT NULL;
CREATE INDEX deliveries_by_code ON delivery.deliveries (code, number_hash) WHERE number_hash IS NOT NULL;
CREATE TABLE delivery.attempts (
    delivery uuid NOT NULL REFERENCES delivery.deliveries ON DELETE CASCADE,
    attempt integer NOT NULL,
    service text NOT NULL,
    medium text NOT NULL,
    started_at timestamptz NOT NULL,
    took_ms integer NOT NULL,
    result text NOT NULL,
    status integer,
    body_hash bytea NOT NULL,
    PRIMARY KEY (delivery, attempt)
);
CREATE TABLE delivery.withdrawals (
    service text NOT NULL,
    duty uuid NOT NULL,
    step integer NOT NULL,
    revision integer NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (service, duty, step)
);
"""
CODES = """
CREATE VIEW delivery.codes AS
SELECT id AS delivery, code, number_hash, service, duty, step, child, authority, episode, role, person, exercise, trace,
       created_at
FROM delivery.deliveries
WHERE duty IS NOT NULL AND number_hash IS NOT NULL
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA delivery")
    op.execute(TABLES)
    for table in ("deliveries", "attempts", "withdrawals"):
        op.execute(f"ALTER TABLE delivery.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON delivery.{table} USING (service = current_user) WITH CHECK (service = current_user)"
        )
    grant("SELECT, INSERT, UPDATE", "delivery.deliveries", *SENDERS)
    grant("SELECT, INSERT", "delivery.attempts", *SENDERS)
    grant("SELECT, INSERT, UPDATE", "delivery.withdrawals", *SENDERS)
    op.execute(CODES)
    grant("SELECT", "delivery.codes", "carers")
