"""The clock has the months of growing tables made, and says how far ahead they are."""

from datetime import UTC, datetime

from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.clock.timer import keep_up
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from tests.support.engines.database import Database


async def test_it_makes_what_is_missing_and_measures_what_there_is(database: Database) -> None:
    admin = create_async_engine(database.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    store = Store(database.engine("clock"), origin=Origin("clock", Clocks()))
    async with admin.begin() as connection:
        await connection.execute(text(f"DROP TABLE audit.entries_{datetime.now(UTC):%Y_%m}"))
    try:
        assert await keep_up(store) is False
    finally:
        await store.close()
        await admin.dispose()
    for table in ("audit.entries", "console.entries"):
        assert REGISTRY.get_sample_value("table_months_ahead", {"table": table}) == 3
        assert REGISTRY.get_sample_value("table_rows_outside_months", {"table": table}) == 0
        assert REGISTRY.get_sample_value("table_months_left_over", {"table": table}) == 0
