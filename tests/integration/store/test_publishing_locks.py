"""Who publishes about a child holds up its own service's other processes, and no other service."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from services.platform.store.outbox import oldest_unsent
from tests.support.engines.database import Database


@pytest.mark.parametrize(("other", "waits"), [("protocol", True), ("professionals", False)])
async def test_only_processes_of_one_service_wait_for_each_other(database: Database, other: str, waits: bool) -> None:
    ours, theirs = database.engine("protocol"), database.engine(other)
    try:
        async with ours.begin() as holds, theirs.begin() as asks:
            await oldest_unsent(holds, ["child-of-both"])
            await asks.execute(text("SET LOCAL lock_timeout = 50"))
            try:
                await oldest_unsent(asks, ["child-of-both"])
            except (OperationalError, psycopg.OperationalError):
                assert waits
            else:
                assert not waits
    finally:
        await ours.dispose()
        await theirs.dispose()
