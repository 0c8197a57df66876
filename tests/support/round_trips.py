"""How often a transaction waits for PostgreSQL, as the connection's own record of what went to and fro has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryFile

from services.store.transaction import Store, Transaction

SETTLED = "ReadyForQuery"
"""PostgreSQL says so once a round trip, however many statements it brought."""


@asynccontextmanager
async def counted(store: Store) -> AsyncIterator[tuple[Transaction, list[int]]]:
    """A transaction, and the number of its round trips, once it is over. The one of BEGIN, which the mark shares, is not among them."""
    trips: list[int] = []
    with TemporaryFile("w+") as record:
        async with store.transaction() as transaction:
            await transaction.connection.exec_driver_sql("SELECT 1")
            raw = await transaction.connection.get_raw_connection()
            connection = raw.driver_connection.pgconn  # type: ignore[union-attr]
            connection.trace(record.fileno())
            yield transaction, trips
        connection.untrace()
        record.seek(0)
        until_commit, _, _ = record.read().partition('"COMMIT"')
        trips.append(until_commit.count(SETTLED) + 1)
