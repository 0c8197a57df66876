"""Inbound texts and conversations."""

revision = "0004_carers"
down_revision = "0003_delivery"


def upgrade() -> None:
    """Filled by the floor or service that owns it."""
