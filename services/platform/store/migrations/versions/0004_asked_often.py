"""Indexes for what is asked so often, or of so much, that reading past others' rows costs more than keeping them."""

from alembic import op

revision = "0004_asked_often"
down_revision = "0003_unanswered_since"

INDEXES = {
    # The promise of a minute, every quarter of one (`delivery.queue.slo`).
    "deliveries_urgent": "delivery.deliveries (service, created_at) WHERE urgent AND NOT exercise AND duty IS NOT NULL",
    # One reader's unsent mails, for each mail: of their authority.
    "deliveries_of_lane": "delivery.deliveries (service, lane, authority) WHERE state IN ('waiting', 'sending', 'unknown')",
    # Whether a version of a force has been tried.
    "deliveries_trials": "delivery.deliveries (lane) WHERE duty IS NULL AND service = 'police'",
    # Whether somebody is on the rota, for each mail.
    "rota_changes_of_person": "register.rota_changes (person)",
    # What is owed beside cases, at each change of the overview.
    "duties_beside": "console.duties (changed_at) WHERE waits AND episode IS NULL",
    # The month's figures: duties are kept for ever.
    "duties_changed": "console.duties (changed_at) WHERE NOT exercise",
    # A child's page and every search go by code.
    "children_of_code": "register.children (code)",
    # What a force that polls has not confirmed yet, at each poll.
    "offered_unconfirmed": "police.offered (force, position) WHERE confirmed_at IS NULL",
    # Who invited, for each mail that belongs to no discussion.
    "attendees_by_address": "strategy.attendees (address_hash) WHERE address_hash IS NOT NULL",
}


# An index whose making was stopped stays, invalid, and IF NOT EXISTS would pass it over for good.
STOPPED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('{index}') AND NOT indisvalid) THEN DROP INDEX {index}; END IF;
END $$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            op.execute(STOPPED.format(index=f"{of.partition('.')[0]}.{name}"))
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS delivery.deliveries_by_lane")
