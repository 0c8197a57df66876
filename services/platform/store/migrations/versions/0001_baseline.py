"""Makes the database of 0.2.0: a role and a schema for each service, the shared schemas, and who may see what."""

from pathlib import Path

from alembic import op

revision = "0001_baseline"
down_revision = None

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
SQL = Path(__file__).parents[1] / "baseline"
SCHEMAS = (
    "months",
    "story",
    "deadlines",
    "delivery",
    "register",
    "casework",
    "carers",
    "protocol",
    "police",
    "strategy",
    "professionals",
    "console",
    "audit",
    "disposal",
    "register_views",
    "walls",
    "holdings",
)


def upgrade() -> None:
    each_service = (SQL / "each_service.sql").read_text()
    _run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    for service in SERVICES:
        _run(each_service.replace("{service}", service))
    for schema in SCHEMAS:
        _run((SQL / f"{schema}.sql").read_text())


def _run(sql: str) -> None:
    """As it stands in the file: `%` and `:` begin no parameter."""
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})
