"""Cases and the protocols that they go by."""

from alembic import op

from services.platform.store.migrations.access import grant

revision = "0005_protocol"
down_revision = "0004_carers"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE protocol.cases (
            child text PRIMARY KEY,
            version integer NOT NULL,
            state text NOT NULL
        )
    """)
    op.execute("CREATE TABLE protocol.protocols (hash text PRIMARY KEY, merged text NOT NULL)")
    grant("SELECT, INSERT, UPDATE", "protocol.cases", "protocol")
    grant("SELECT, INSERT", "protocol.protocols", "protocol")
