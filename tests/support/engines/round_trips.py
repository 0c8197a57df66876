"""How often PostgreSQL was waited for, and for what: libpq's own trace says each time that the server is ready again."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import psycopg
from psycopg.pq import Trace
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.store.unit_of_work import Store, UnitOfWork

STATEMENT = re.compile(r'^F\t\d+\t(?:Parse\t "[^"]*"|Query\t) "(.*?)"', re.MULTILINE | re.DOTALL)


@dataclass
class RoundTrips:
    """`begin` forgets what was counted before. Only connections that have been given back are counted."""

    folder: Path
    _traced: list[Path] = field(default_factory=list)

    def begin(self) -> None:
        self._traced.clear()

    def file(self) -> Any:
        file = (self.folder / str(len(list(self.folder.iterdir())))).open("wb")
        self._traced.append(Path(file.name))
        return file

    @property
    def count(self) -> int:
        return len(re.findall(r"^B\t\d+\tReadyForQuery", self._text, re.MULTILINE))

    @property
    def statements(self) -> list[str]:
        """Those that were parsed: one that a connection has prepared is not, when it comes again."""
        return STATEMENT.findall(self._text)

    @property
    def _text(self) -> str:
        return "".join(each.read_text(errors="replace") for each in self._traced)


@contextmanager
def round_trips(engine: AsyncEngine) -> Iterator[RoundTrips]:
    """Of everything that goes through the engine's pool meanwhile."""
    pool, open_files = engine.sync_engine, dict[Any, Any]()

    def raw(connection: Any) -> psycopg.pq.abc.PGconn:
        driver: psycopg.AsyncConnection[Any] = connection.driver_connection
        return driver.pgconn

    def taken(connection: Any, record: Any, _: Any) -> None:
        open_files[record] = file = trips.file()
        raw(connection).trace(file.fileno())
        raw(connection).set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)

    def given_back(connection: Any, record: Any) -> None:
        file = open_files.pop(record, None)
        if file is not None and connection is not None:
            raw(connection).untrace()
            file.close()

    with TemporaryDirectory() as folder:
        trips = RoundTrips(Path(folder))
        event.listen(pool, "checkout", taken)
        event.listen(pool, "checkin", given_back)
        yield trips
        event.remove(pool, "checkout", taken)
        event.remove(pool, "checkin", given_back)


@asynccontextmanager
async def counted(store: Store) -> AsyncIterator[tuple[UnitOfWork, list[int]]]:
    """A transaction, whatever else goes through the pool meanwhile, and the number of its round trips once it is over. The one of
    BEGIN, which a message's mark shares, is not among them.
    """
    trips: list[int] = []
    with TemporaryFile("w+") as record:
        async with store.transaction() as uow:
            await uow.connection.exec_driver_sql("SELECT 1")
            raw = await uow.connection.get_raw_connection()
            connection = raw.driver_connection.pgconn  # type: ignore[union-attr]
            connection.trace(record.fileno())
            yield uow, trips
        connection.untrace()
        record.seek(0)
        until_commit, _, _ = record.read().partition('"COMMIT"')
        trips.append(until_commit.count("ReadyForQuery") + 1)
