"""Cases and frozen protocols."""

revision = "0005_protocol"
down_revision = "0004_carers"


def upgrade() -> None:
    """Filled by the floor or service that owns it."""
