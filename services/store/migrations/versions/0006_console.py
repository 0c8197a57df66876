"""The console's read model."""

revision = "0006_console"
down_revision = "0005_protocol"


def upgrade() -> None:
    """Filled by the floor or service that owns it."""
