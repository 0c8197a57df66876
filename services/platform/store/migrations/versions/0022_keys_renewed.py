"""Keys can be changed: a text says whose key closes it, whatever its number's hash becomes."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0022_keys_renewed"
down_revision = "0021_full_meeting"


def upgrade() -> None:
    # NULL: named by the row's own hash, as all were before.
    op.execute("ALTER TABLE carers.texts_in ADD COLUMN key_owner text")
    grant("UPDATE (wrapped)", "register.data_keys", "casework")
