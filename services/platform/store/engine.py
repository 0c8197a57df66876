"""Connects to PostgreSQL. Each service logs in under its own role and sees its own schema first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, PoolProxiedConnection, event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.platform.runtime.settings import Settings
from services.platform.store.query import AT_LOGIN, BEGINS, driver_of, narrowed_to, opens_a_transaction, watch_commits


def database_url(settings: Settings, role: str) -> URL:
    password = settings.database_password.get_secret_value()
    return make_url(settings.database).set(drivername="postgresql+psycopg", username=role, password=password)


NOTICES_LOSS: dict[str, Any] = {
    "tcp_user_timeout": 10000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""Whoever waits for an answer sends nothing, and would hear only after two hours that PostgreSQL's machine is gone."""
READERS = 2
"""Connections that only read. Their statements are short, and few loops read at once."""
PLANS_ONCE = " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
"""Each connection plans a statement once: statements go by keys, so that their values change nothing. Otherwise
PostgreSQL would plan over every month of a table again and again (decision 34). Nor does a table's size: what was
planned while it was empty would read it from end to end after a flood, until PostgreSQL has counted anew.
"""
PLANS_BY_VALUES = {"console"}
"""Whose lists and counts go by dates."""


def connect(settings: Settings, role: str, *, for_command: bool = False) -> AsyncEngine:
    """Opens nothing before the first statement. A lost connection is noticed at use, and the work is repeated.

    `for_command`: a statement is asked once, and a condition that was left out costs it no index.
    """
    options = "" if for_command or role in PLANS_BY_VALUES else PLANS_ONCE
    engine = _engine(settings, role, options, size=settings.database_connections, execution_options={BEGINS: True})
    event.listen(engine.sync_engine, "before_cursor_execute", _begin)
    event.listen(engine.sync_engine, "connect", lambda adapted, _: watch_commits(adapted.driver_connection))
    return engine


def connect_to_read(settings: Settings, role: str) -> AsyncEngine:
    """For reading alone: each statement runs without BEGIN and ROLLBACK. A ROLLBACK costs more than its round trip,
    since psycopg then discards the connection's prepared statements.
    """
    return _engine(settings, role, size=READERS)


def _begin(connection: Connection, cursor: Any, *_: Any) -> None:
    """Sends BEGIN before SQLAlchemy's first statement of a transaction; `execute_pipelined` sends its own."""
    if opens_a_transaction(connection):
        cursor.execute("BEGIN")
        if (narrows := narrowed_to(connection)) is not None:
            cursor.execute(narrows[0], [narrows[1]])


def _engine(settings: Settings, role: str, options: str = "", *, size: int, **more: Any) -> AsyncEngine:
    timeouts: dict[str, Any] = {
        "connect_timeout": 3,
        "options": "-c statement_timeout=20000 -c idle_in_transaction_session_timeout=30000 -c lock_timeout=10000 "
        + AT_LOGIN
        + options,
        "application_name": role,
        "prepare_threshold": 0,
    } | NOTICES_LOSS
    return create_async_engine(
        database_url(settings, role),
        pool_size=size,
        max_overflow=0,  # opening a connection beyond the pool costs more than its work
        pool_timeout=10,
        pool_pre_ping=False,
        pool_use_lifo=True,
        pool_reset_on_return=None,  # whoever takes one out ends its transaction (`taken_out`, SQLAlchemy's own connections)
        hide_parameters=True,  # an error's text would carry the values of the statement that failed
        connect_args=timeouts,
        # SQLAlchemy resets a returned connection to this; we send BEGIN ourselves (`BEGINS`).
        isolation_level="AUTOCOMMIT",
        **more,
    )


@asynccontextmanager
async def taken_out(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Takes a connection out of the pool for psycopg's own statements. What is not committed is rolled back.

    SQLAlchemy can be used on it too. Its own way (`engine.connect`, `begin`, a reset on return) was a quarter of the
    cost of a transaction of one read and one write.
    """
    pooled = await engine.raw_connection()
    connection = AsyncConnection(engine, Connection(engine.sync_engine, connection=pooled))
    try:
        yield connection
    finally:
        await _give_back(connection, pooled)


async def _give_back(connection: AsyncConnection, pooled: PoolProxiedConnection) -> None:
    """A connection that SQLAlchemy has used goes back in SQLAlchemy's way. One that cannot be rolled back is closed."""
    if connection.in_transaction():
        await connection.close()
        return
    try:
        if not connection.invalidated:
            driver = await driver_of(connection)
            if driver.closed:
                await connection.invalidate()
                await connection.engine.dispose(close=False)  # those in the pool are as old
            elif driver.pgconn.transaction_status != TransactionStatus.IDLE:
                await driver.rollback()
    except BaseException as error:
        await connection.invalidate(error)
        raise
    finally:
        pooled.close()
