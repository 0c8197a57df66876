"""Takes connections out of an engine's pool for what psycopg runs by itself, without what SQLAlchemy does around it.

SQLAlchemy's own way (`engine.connect`, `begin`, a reset on return) was half of what a transaction of one read and one write cost.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.store.query import driver_of


@asynccontextmanager
async def taken_out(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """SQLAlchemy can be used on it too. What is not committed when the block ends is rolled back."""
    pooled = await engine.raw_connection()
    connection = AsyncConnection(engine, Connection(engine.sync_engine, connection=pooled))
    try:
        yield connection
    finally:
        await _give_back(connection, pooled)


async def _give_back(connection: AsyncConnection, pooled: PoolProxiedConnection) -> None:
    """A connection that SQLAlchemy has used goes back SQLAlchemy's way, which costs more. One that cannot be rolled back is closed."""
    if connection.in_transaction():
        await connection.close()
        return
    try:
        if not connection.invalidated:
            driver = await driver_of(connection)
            if driver.pgconn.transaction_status != TransactionStatus.IDLE:
                await driver.rollback()
    except BaseException as error:
        await connection.invalidate(error)
        raise
    finally:
        pooled.close()
