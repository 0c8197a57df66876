"""BEGIN goes with a transaction's first statement: for that, a connection is in the driver's autocommit whoever had it before."""

import os
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.store.engine import connect, connect_to_read
from services.platform.store.query import PLAN_BY_VALUES, Query, driver_of, opens_a_transaction, scalar
from services.platform.store.story_clock import opened
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.wrong_clocks import WrongClocks


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    opened = database.engine("audit")
    yield opened
    await opened.dispose()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has both options")
async def test_the_loss_of_the_database_s_machine_is_noticed_while_an_answer_is_awaited(database: Database) -> None:
    """No packet says so. The kernel asks after 5 s of silence, and 10 s later gives the connection up."""
    settings = database.settings("police")
    for engine in (connect(settings, "police"), connect_to_read(settings, "police")):
        async with engine.connect() as connection:
            driver = await driver_of(connection)
            with socket.socket(fileno=os.dup(driver.fileno())) as ours:
                asks = [
                    ours.getsockopt(socket.IPPROTO_TCP, each) for each in (socket.TCP_KEEPIDLE, socket.TCP_USER_TIMEOUT)
                ]
                assert (ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *asks) == (1, 5, 10000)
        await engine.dispose()


async def _opens_a_transaction(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        await connection.get_raw_connection()
        return opens_a_transaction(connection.sync_connection)


async def test_after_reading_over_the_pool_that_writes(engine: AsyncEngine) -> None:
    async with Store(engine).reading.connect() as connection:
        await connection.execute(text("SELECT 1"))
    assert await _opens_a_transaction(engine)


async def test_after_reading_in_another_isolation(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        level = await connection.scalar(text("SHOW transaction_isolation"))
    assert level == "repeatable read"
    assert await _opens_a_transaction(engine)


async def test_a_command_s_statements_are_planned_by_their_values(database: Database) -> None:
    async with opened(database.settings("police"), "police") as store, store.transaction() as uow:
        assert await uow.connection.scalar(text("SHOW plan_cache_mode")) == "auto"


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_command_goes_by_the_database_s_clock(database: Database, minutes: int) -> None:
    """By a machine's wrong one a code would be too old, and what is due at once due later."""
    clocks = WrongClocks(timedelta(minutes=minutes))
    async with opened(database.settings("police"), "police", clocks):
        assert abs(clocks.wall() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(("service", "writing"), [("carers", "force_generic_plan"), ("console", "auto")])
async def test_statements_that_go_by_keys_are_planned_once(database: Database, service: str, writing: str) -> None:
    settings = database.settings(service)
    for engine, mode in ((connect(settings, service), writing), (connect_to_read(settings, service), "auto")):
        async with engine.connect() as connection:
            assert await connection.scalar(text("SHOW plan_cache_mode")) == mode
        await engine.dispose()


async def test_a_sweep_is_planned_by_its_dates_and_nothing_after_it(engine: AsyncEngine) -> None:
    store = Store(engine)
    async with store.transaction() as uow:
        _, mode = await uow.fetch(PLAN_BY_VALUES, Query("SHOW plan_cache_mode", {}, scalar))
        assert mode == "force_custom_plan"
    async with store.transaction() as uow:
        assert await uow.connection.scalar(text("SHOW plan_cache_mode")) == "force_generic_plan"
