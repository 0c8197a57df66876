"""A connection that was taken out past SQLAlchemy goes back as it came, whatever was done on it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.store import query
from services.platform.store.engine import is_transient, taken_out
from services.platform.store.query import PATIENTLY, KeptOnce, Query, Reader, driver_of, execute_pipelined, first_row
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.engines.standby import standby_away

ASK = "SELECT count(*) FROM outbox"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    opened = database.engine("protocol")
    yield opened
    await opened.dispose()


async def status_of(engine: AsyncEngine) -> TransactionStatus:
    """Of the connection that was given back last."""
    async with taken_out(engine) as connection:
        return (await driver_of(connection)).info.transaction_status


async def test_an_open_transaction_is_rolled_back(engine: AsyncEngine) -> None:
    async with taken_out(engine) as connection:
        await execute_pipelined(connection, (ASK, {}))
        assert (await driver_of(connection)).info.transaction_status is TransactionStatus.INTRANS
    assert await status_of(engine) is TransactionStatus.IDLE


async def test_a_transaction_that_sqlalchemy_began_is_rolled_back(engine: AsyncEngine) -> None:
    async with taken_out(engine) as connection:
        await connection.execute(text(ASK))
    assert await status_of(engine) is TransactionStatus.IDLE


async def test_after_a_failed_statement_the_connection_serves_the_next(engine: AsyncEngine) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with taken_out(engine) as connection:
            await execute_pipelined(connection, ("SELECT 1 / 0", {}))
    assert await status_of(engine) is TransactionStatus.IDLE
    assert engine.pool.status().count("Connections in pool: 1") == 1


async def test_a_postgresql_that_hangs_is_not_waited_for(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its machine still answers the network, so that nothing else ends the wait."""
    async with taken_out(engine) as connection:
        [[(pid,)]] = await execute_pipelined(connection, ("SELECT pg_backend_pid()", {}))
    monkeypatch.setattr(query, "ANSWERED_WITHIN_SECONDS", 0.2)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError) as raised:
            async with taken_out(engine) as connection:
                await execute_pipelined(connection, (ASK, {}))
        assert is_transient(raised.value)
        monkeypatch.undo()
        assert await status_of(engine) is TransactionStatus.IDLE
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_what_looks_through_whole_tables_is_waited_for(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "ANSWERED_WITHIN_SECONDS", 0.2)
    slow = Query("SELECT pg_sleep(0.5), current_setting('statement_timeout') AS within", {}, first_row)
    async with taken_out(engine) as connection:
        _, found = await Reader(connection).fetch(PATIENTLY, slow)
    assert found.within == "5min"


async def test_a_connection_that_was_lost_is_not_given_to_the_next(engine: AsyncEngine) -> None:
    async def use_a_lost_one() -> None:
        async with taken_out(engine) as connection:
            (await driver_of(connection)).pgconn.finish()
            await execute_pipelined(connection, (ASK, {}))

    with pytest.raises(psycopg.OperationalError):
        await use_a_lost_one()
    async with taken_out(engine) as connection:
        assert await execute_pipelined(connection, (ASK, {}), commit=True)


async def test_a_cancelled_statement_leaves_no_connection_behind(engine: AsyncEngine) -> None:
    async def sleep() -> None:
        async with taken_out(engine) as connection:
            await execute_pipelined(connection, ("SELECT pg_sleep(30)", {}))

    for _ in range(3):
        sleeping = asyncio.create_task(sleep())
        await asyncio.sleep(0.2)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert await status_of(engine) is TransactionStatus.IDLE


async def test_what_sqlalchemy_wrote_commits_though_nothing_waits(engine: AsyncEngine) -> None:
    put = "INSERT INTO outbox (key, topic, envelope, written_at) VALUES ('c', 'duties', '', now())"
    store = Store(engine)
    async with store.transaction() as uow:
        await uow.connection.execute(text(put))
    async with taken_out(engine) as connection:
        [[(count,)]] = await execute_pipelined(connection, ("SELECT count(*) FROM outbox WHERE key = 'c'", {}))
    assert count == 1


async def test_what_is_not_on_the_standby_is_not_taken_for_kept(engine: AsyncEngine, database: Database) -> None:
    async def commit() -> None:
        async with taken_out(engine) as connection:
            put = "INSERT INTO outbox (key, topic, envelope, written_at) VALUES ('d', 'duties', '', now())"
            await execute_pipelined(connection, (put, {}), commit=True)

    async with standby_away(database) as standby:
        committing = asyncio.create_task(commit())
        await standby.cancel()
        with pytest.raises(KeptOnce) as error:
            await committing
        assert is_transient(error.value)
        committing = asyncio.create_task(commit())
        await standby.awaited()
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
    await commit()  # whatever was cancelled before, the standby has this one
