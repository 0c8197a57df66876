"""Connects to PostgreSQL, and tells failures that pass by themselves (database away, deadlock, full pool) from others.
Each service logs in under its own role and sees its own schema first.

Listens to it on one connection, for all parts of a process, and lets these hear each other. A notification only
hurries what a turn would find by itself, later. So one that is lost costs time and nothing else.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import psycopg
from fastapi import FastAPI
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, Connection, PoolProxiedConnection, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.platform.runtime.logs import logger
from services.platform.runtime.problems import answer_with_problems
from services.platform.runtime.settings import Settings
from services.platform.store.encryption import KeyMissing
from services.platform.store.query import AT_LOGIN, BEGINS, driver_of, narrowed_to, opens_a_transaction, watch_commits

PASSING_STATES = ("08", "40001", "40P01", "53", "55P03", "57P", "57014", "25P03", "25006")
"""SQLSTATE prefixes: connection, serialization, deadlock, resources, lock timeout, shutdown, cancelled, read-only."""

OF_CONTENTION = ("40001", "40P01", "53", "55P03", "57014")
"""Those of them after which the connection goes on: this work failed, and other work need not."""

OF_DATABASE = (SQLAlchemyError, psycopg.Error, OSError, TimeoutError)
"""Errors after which a transaction cannot go on."""


def is_transient(error: BaseException) -> bool:
    if isinstance(error, KeyMissing):
        return False  # whoever waited for one authority's key would hold up every other's work
    if isinstance(error, PoolTimeoutError | ConnectionError | TimeoutError):
        return True
    if _is_lost(error):
        return True
    state = _state_of(error)
    if state is None:
        away = psycopg.OperationalError | psycopg.InterfaceError | OperationalError | InterfaceError
        return isinstance(error, away)
    return state.startswith(PASSING_STATES)


def took_too_long(error: BaseException) -> bool:
    """Whether PostgreSQL ended a statement at its limit of time. That passes, unless the statement is at fault."""
    return _state_of(error) == "57014"


def is_contention(error: BaseException) -> bool:
    """Whether this work alone has to wait: it met a lock or took too long, and the connection serves other work."""
    return not _is_lost(error) and (_state_of(error) or "").startswith(OF_CONTENTION)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _state_of(error: BaseException) -> str | None:
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    return of_driver.sqlstate if isinstance(of_driver, psycopg.Error) else None


def new_web_app(service: str) -> FastAPI:
    """Answers every error with a problem document: 503 while the database is away, so that the sender repeats."""
    app = FastAPI(title=f"Safe Return: {service}", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=OF_DATABASE, passes_by_itself=is_transient)
    return app


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


Heard: TypeAlias = Callable[[str | None], None]
"""Takes the notification's payload; None where some may have been missed. Must not raise and must not wait."""


class Channels:
    """What the parts of one process want to hear."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Heard]] = {}

    def on(self, channel: str, heard: Heard) -> None:
        """From the start of the process's listener on. Where there is none, nothing is heard."""
        self._heard.setdefault(channel, []).append(heard)

    @property
    def names(self) -> list[str]:
        return list(self._heard)

    def tell(self, channel: str, payload: str) -> None:
        for heard in self._heard.get(channel, ()):
            heard(payload)

    def tell_of_gap(self) -> None:
        for each in self._heard.values():
            for heard in each:
                heard(None)


PROBE_EVERY_SECONDS, ANSWERED_WITHIN_SECONDS = 5.0, 3.0
"""A connection that only listens does not notice that its other end is gone, so it is probed."""
AGAIN_SECONDS = 0.5


class Listener:
    """A part of the process. Once connected or cut off, it tells all others that something may have been missed."""

    def __init__(
        self,
        database: URL,
        channels: Channels,
        *,
        probe_every: float = PROBE_EVERY_SECONDS,
        answered_within: float = ANSWERED_WITHIN_SECONDS,
    ) -> None:
        self._database = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channels = channels
        self._probe_every, self._answered_within = probe_every, answered_within
        self._listening: asyncio.Task[None] | None = None
        self._failure: str | None = None

    def obstacle(self) -> str | None:
        has_ended = self._listening is not None and self._listening.done()
        return "listening has ended" if has_ended else self._failure

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen(), name="listening")

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (psycopg.Error, OSError) as error:
                if self._failure is None:
                    logger().warning("notifications are not heard until the database is back", exc_info=error)
                self._failure = type(error).__name__
                self._channels.tell_of_gap()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear(self) -> None:
        """Raises when the connection is lost."""
        async with await psycopg.AsyncConnection.connect(
            self._database, autocommit=True, connect_timeout=3
        ) as connection:
            connection.add_notify_handler(lambda each: self._channels.tell(each.channel, each.payload))
            names = [SQL("LISTEN {}").format(Identifier(each)) for each in self._channels.names]
            if names:
                await connection.execute(SQL("; ").join(names))
            self._failure = None
            self._channels.tell_of_gap()
            while True:
                if await self._is_readable(connection):
                    self._take(connection)
                else:
                    await self._probe(connection)

    async def _is_readable(self, connection: psycopg.AsyncConnection[TupleRow]) -> bool:
        """False after some silence. psycopg's own waiting would look ten times a second."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(connection.fileno(), readable.set)
        try:
            # Not `wait_for`: Python 3.11 loses a cancellation that comes with a notification, and stopping never ended.
            async with asyncio.timeout(self._probe_every):
                await readable.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(connection.fileno())
        return True

    def _take(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Tells what has come. Raises OperationalError at the connection's end."""
        connection.pgconn.consume_input()
        while (each := connection.pgconn.notifies()) is not None:
            self._channels.tell(each.relname.decode(), each.extra.decode())

    async def _probe(self, connection: psycopg.AsyncConnection[TupleRow]) -> None:
        """Sends an empty pipeline, whose end PostgreSQL confirms without a transaction."""
        too_late = asyncio.get_running_loop().call_later(self._answered_within, _hang_up, connection)
        try:
            async with connection.pipeline():
                pass
        finally:
            too_late.cancel()


def _hang_up(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Makes the pending statement fail at once. Cancelling it would make psycopg ask the silent other end first."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
