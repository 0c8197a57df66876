"""Deliveries, attempts, one-time links."""

revision = "0003_delivery"
down_revision = "0002_register"


def upgrade() -> None:
    """Filled by the floor or service that owns it."""
