"""One transaction for everything that a message, a request or a turn of a loop brings about."""

import operator
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.store.query import BEGINS, Reader, Statement, execute_pipelined, to_columns


class Transaction(Reader):
    """`connection` runs statements at once; rows that nothing reads before the commit are left with `write_last` or
    `write_in_order`, what has to see all of that with `before_commit`, and what must follow the commit, such as waking a loop,
    with `after_commit`.

    `remembered` is for handlers whose messages share the transaction: what one of them has left to be written is not in the
    database yet for the next.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.keys_said: dict[str, None] = {}
        self.returned: dict[str, list[tuple[Any, ...]]] = {}
        """What statements of `write_last` gave when they were written."""
        self.remembered: dict[Hashable, Any] = {}
        self._in_order: list[Statement] = []
        self._last: dict[str, list[Mapping[str, Any]]] = {}
        self._latest: dict[str, dict[str, Callable[[], Mapping[str, Any]]]] = {}
        self._before: list[Callable[[], Awaitable[None]]] = []
        self._acts: list[Callable[[], None]] = []

    def write_last(self, sql: str, *rows: Mapping[str, Any], locks: str | None = None) -> None:
        """With the commit, in one round trip: all rows of one statement, in the order given, as arrays (`pipeline.given`). What it
        gives is in `returned` then. Whoever reads the table in this transaction does not see them.

        `locks` names the column by whose value the statement locks: rows then go in its order, so that two transactions
        which lock the same ones do not wait for each other for ever.
        """
        if rows:
            self._last.setdefault(sql, []).extend(rows)
            if locks is not None:
                self._last[sql].sort(key=operator.itemgetter(locks))

    def write_latest(self, sql: str, name: str, row: Callable[[], Mapping[str, Any]]) -> None:
        """As `write_last`, for what may change several times in one transaction: of each `name` the last row alone, made with the
        commit, in the names' order.
        """
        self._latest.setdefault(sql, {})[name] = row

    def write_in_order(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """One statement with the commit too, after the ones left here before it, and before those of `write_last`."""
        self._in_order.append((sql, parameters))

    async def end_with(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that this statement gave. It, and what was left for the last, is written and committed in one round trip:
        nothing may follow.
        """
        rows, *_ = await self._write((sql, parameters), commit=True)
        return rows

    async def finish(self) -> None:
        """Writes what was left for the last, and commits. Without any, SQLAlchemy commits when the block ends."""
        if self._before:
            await self._do_what_comes_before()
        await self._write(commit=True)

    async def _do_what_comes_before(self) -> None:
        acts, self._before = self._before, []
        await self._write()
        for act in acts:
            await act()

    async def _write(self, *first: Statement, commit: bool = False) -> list[list[tuple[Any, ...]]]:
        """What was left, after `first`; nothing is sent where there is none of either."""
        for sql, latest in self._latest.items():
            self.write_last(sql, *(row() for _, row in sorted(latest.items(), key=operator.itemgetter(0))))
        statements = [*first, *self._in_order, *((sql, to_columns(rows)) for sql, rows in self._last.items())]
        last = len(self._last)
        self._in_order, self._last, self._latest = [], {}, {}
        if not statements:
            return []
        given = await execute_pipelined(self.connection, *statements, commit=commit)
        for (sql, _), rows in list(zip(statements, given, strict=True))[len(statements) - last :]:
            self.returned.setdefault(sql, []).extend(rows)
        return given

    def before_commit(self, act: Callable[[], Awaitable[None]]) -> None:
        """`act` sees everything that was written in this transaction, by whichever message, and may write more. What it raises
        rolls all of it back. Not together with `end_with`.
        """
        self._before.append(act)

    def after_commit(self, act: Callable[[], None]) -> None:
        """`act` must not raise and must not wait. It is not called if the transaction fails, nor if the process dies first:
        it may only hurry what a sweep would do anyway. What it logs names the message that it was left for.
        """
        self._acts.append(partial(copy_context().run, act))

    def committed(self) -> None:
        for act in self._acts:
            act()


class Store:
    """Opens transactions, and gives whoever listens each that has messages to publish, once it is committed.

    `reading` is for what only reads, each statement by itself: `async with store.reading.connect()`. Where no engine of its
    own is given for it, it shares the pool of `engine`.
    """

    def __init__(self, engine: AsyncEngine, reading: AsyncEngine | None = None) -> None:
        self.engine = engine
        self.reading = reading or engine.execution_options(**{BEGINS: False})
        self.on_said: Callable[[Transaction], None] = lambda _transaction: None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits at the end of the block, or rolls all of it back when the block raises."""
        async with self.engine.connect() as connection:
            transaction = Transaction(connection)
            async with connection.begin():
                yield transaction
                await transaction.finish()
        if transaction.keys_said:
            self.on_said(transaction)
        transaction.committed()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        """For what only reads, each statement by itself."""
        async with self.reading.connect() as connection:
            yield Reader(connection)

    async def close(self) -> None:
        await self.engine.dispose()
        await self.reading.dispose()
