"""The tables that tests read by SQLAlchemy. Of deliveries each service sees its own rows alone."""

from sqlalchemy import TableClause, column, table
from sqlalchemy.dialects.postgresql import JSONB


def _table(name: str, columns: str, schema: str | None = None) -> TableClause:
    typed = {"telling": column("telling", JSONB)}
    return table(name, *(typed.get(each, column(each)) for each in columns.split()), schema=schema)


outbox = _table("outbox", "position key topic envelope written_at")
deliveries = _table(
    "deliveries",
    "id service lane state kind duty step revision telling child authority episode role person urgent exercise trace code "
    "attempts created_at next_attempt_at lease_owner lease_until key_owner recipient body number_hash provider_id by_voice "
    "withdrawn_at changed_at looked_up texted",
    "delivery",
)
attempts = _table("attempts", "delivery attempt service medium started_at took_ms result status body_hash", "delivery")
