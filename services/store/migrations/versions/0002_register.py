"""What casework owns and others may see: children, people, placements, directory, words."""

revision = "0002_register"
down_revision = "0001_floors"


def upgrade() -> None:
    """Filled by the floor or service that owns it."""
