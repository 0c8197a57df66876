"""Runs several statements in one round trip, by psycopg's pipeline mode, which SQLAlchemy does not offer.

Round trips are most of what a message costs, so everything that a message passes through reads by `Query` and writes
with the unit of work. Pages, commands and sweeps may go through SQLAlchemy.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeAlias, TypeVar, cast, overload
from uuid import UUID
from weakref import WeakSet

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

Statement: TypeAlias = tuple[str, Mapping[str, Any]]
"""With named parameters, `%(name)s`."""
Driver: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Rows: TypeAlias = Sequence[Any]
"""Each a named tuple: a column is an attribute."""
T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class Query(Generic[T_co]):
    """A question to the database, with the function that makes its answer of the rows.

    With `cache`, an answer that is no None is kept there under the parameters; while it is there, nothing is asked.
    """

    sql: str
    parameters: Mapping[str, Any]
    """Named, `%(name)s`."""
    decode: Callable[[Rows], T_co]
    cache: MutableMapping[Any, Any] | None = None

    @property
    def cache_key(self) -> tuple[Any, ...]:
        return tuple(self.parameters.values())


def all_rows(rows: Rows) -> Rows:
    """Decodes a query whose caller reads the rows themselves."""
    return rows


def first_row(rows: Rows) -> Any:
    """Decodes a query of at most one row: None if there is none."""
    return rows[0] if rows else None


def scalar(rows: Rows) -> Any:
    """Decodes a query of one row and one column: None where there is no row."""
    return rows[0][0] if rows else None


def fields_in(row: Any, of: type[Any]) -> dict[str, Any]:
    """What the row has of the fields of a dataclass. Its other columns are passed over."""
    return {each.name: getattr(row, each.name) for each in fields(of) if hasattr(row, each.name)}


PLAN_BY_VALUES = Query(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true) AS scans",
    {},
    all_rows,
)
"""Before what goes by a date, and finds few rows or none in a long table. It holds until the transaction ends."""
_SORT = "SELECT set_config(name, '{}', true) FROM unnest(ARRAY['enable_sort', 'enable_incremental_sort']) name"
BY_INDEX_ORDER, BY_ANY_ORDER = (Query(_SORT.format(sort), {}, all_rows) for sort in ("off", "on"))
"""Before and after what takes the first few of many in an index's order. Statistics from before there were many would
have PostgreSQL read and sort all.
"""
PATIENT_SECONDS = 300
PATIENTLY = Query(
    f"""
    SELECT set_config(name, '{PATIENT_SECONDS}s', true), set_config('enable_seqscan', 'on', true) AS scans
    FROM unnest(ARRAY['statement_timeout', 'lock_timeout']) name
    """,
    {},
    all_rows,
)
"""Before what looks through whole tables, or waits for such a look, in one fetch with it. Messages that were sent have
no index by child, which would cost each one.
"""

BRIEFLY = Query("SELECT set_config('lock_timeout', '2s', true)", {}, all_rows)
"""Before what waits for locks while others wait for it: whoever meets one is to try again, apart from them."""


def unnest_rows(types: Mapping[str, str]) -> str:
    """A table `given` of the rows of `to_columns`: these columns, with PostgreSQL's types, and `place`, their order.

    Sent as binary (`b`): as text, psycopg escapes each quotation mark of an envelope by itself, which was a fifth of
    what the protocol did.
    """
    arrays = ", ".join(f"%({name})b::{type_}[]" for name, type_ in types.items())
    return f"unnest({arrays}) WITH ORDINALITY AS given ({', '.join(types)}, place)"


def bulk_insert(table: str, types: Mapping[str, str], then: str = "") -> str:
    """Inserts the rows of `to_columns`, in their order. `then`: ON CONFLICT, RETURNING."""
    columns = ", ".join(types)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {unnest_rows(types)} ORDER BY place {then}"


def to_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The same rows as one array a column. One statement over all rows costs little more than over one. A statement for
    each row wakes PostgreSQL each time, even within one round trip.
    """
    return {name: [row[name] for row in rows] for name in rows[0]}


BEGINS = "safe_return_begins"
"""Execution option of an engine whose statements run in transactions."""
SEES = "safe_return_sees"
"""Execution option of a connection that is taken out: the authorities whose rows it sees. The database holds it to them
(`migrations/baseline/walls.sql`).
"""
EVERY = "all"
"""The word for every authority, as an account has it."""
SETTING = "safe_return.authorities"
NARROW = f"SELECT set_config('{SETTING}', %s::text[]::text, true)"
"""Until the end of the transaction; of a single statement without BEGIN, until the end of its round trip."""
NARROW_TO_LINK = f"""
    SELECT set_config('{SETTING}', coalesce((SELECT authorities::text FROM register.seen_by_link WHERE delivery = %s), '{{}}'), true)
"""
"""As `NARROW`, to whom the delivery behind a link concerns."""
AT_LOGIN = f"-c {SETTING}={{{EVERY}}}"
"""How a service's own connections begin: its loops and messages are any authority's (decision 77). Without it a login
sees no row.
"""


def narrow(connection: Connection | None, to: Iterable[str] | UUID) -> None:
    """`to`: authorities, or the delivery behind a link."""
    if connection is not None:
        sees = (NARROW_TO_LINK, to) if isinstance(to, UUID) else (NARROW, sorted(to))
        connection.execution_options(**{SEES: sees})


def narrowed_to(connection: Connection | None) -> tuple[str, list[str] | UUID] | None:
    """A statement with its one parameter. None: as the login has it."""
    return None if connection is None else connection.get_execution_options().get(SEES)


def has_transactions(connection: Connection | None) -> bool:
    return connection is not None and bool(connection.get_execution_options().get(BEGINS))


def opens_a_transaction(connection: Connection | None) -> bool:
    """Whether the next statement has to be preceded by BEGIN.

    The connections of such an engine are in psycopg's autocommit, so that BEGIN goes with the first statement and
    COMMIT with the last: by itself psycopg waits for PostgreSQL's answer to either, in a pipeline too.
    """
    if connection is None or not has_transactions(connection):
        return False
    driver = connection.connection.driver_connection
    return driver is not None and driver.autocommit and driver.pgconn.transaction_status == TransactionStatus.IDLE


async def driver_of(connection: AsyncConnection) -> Driver:
    """Psycopg's connection beneath. One that SQLAlchemy holds already costs no switch to its greenlet."""
    held = connection.sync_connection
    if held is None or held.invalidated:
        return cast("Driver", (await connection.get_raw_connection()).driver_connection)
    return cast("Driver", held.connection.driver_connection)


class KeptOnce(psycopg.OperationalError):
    """Committed, but the wait for the standby was cancelled: PostgreSQL only warns, and would lose it with its disk. So
    nobody is answered, and whoever repeats it finds it done.
    """


_kept_once: WeakSet[Driver] = WeakSet()
WARNING = "01000"


def watch_commits(driver: Driver) -> None:
    """For a new connection of those that commit."""

    def look(notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate == WARNING and "committed locally" in (notice.message_detail or ""):
            _kept_once.add(driver)

    driver.add_notice_handler(look)


ANSWERED_WITHIN_SECONDS = 120.0
"""Longer than PostgreSQL lets statements take. One that hangs ends none, and its machine may answer the network."""


@asynccontextmanager
async def sent_together(driver: Driver) -> AsyncIterator[None]:
    """A pipeline that sends its statements at its end. Psycopg's sends each by itself, and looks each time for answers:
    two system calls a statement, and a switch to PostgreSQL's process. If psycopg changes, only the gain is lost (48).
    """
    async with driver.pipeline() as pipeline:
        waiting: Any = pipeline
        waiting._communicate_gen = tuple  # noqa: SLF001 nothing yet; psycopg has no other way
        try:
            yield
        finally:
            del waiting._communicate_gen  # noqa: SLF001
        try:
            while pipeline.command_queue:
                pipeline.command_queue.popleft()()
        except BaseException:
            pipeline.command_queue.clear()  # no COMMIT goes after a statement that could not be sent
            raise


async def execute_pipelined(
    connection: AsyncConnection, *statements: Statement, commit: bool = False, named: bool = False
) -> list[list[Any]]:
    """The rows that each gave: tuples, or named ones. With `commit` the connection's transaction is then over:
    SQLAlchemy's own finds nothing to do.

    Raises psycopg's errors, and TimeoutError. A connection that broke is given up, and with it those in the pool, which
    are as old.
    """
    driver = await driver_of(connection)
    cursors = [driver.cursor(row_factory=namedtuple_row) if named else driver.cursor() for _ in statements]
    begin = opens_a_transaction(connection.sync_connection)
    narrows = (
        narrowed_to(connection.sync_connection) if begin or not has_transactions(connection.sync_connection) else None
    )
    several = begin or commit or narrows is not None or len(statements) > 1
    patience = PATIENT_SECONDS if any(sql == PATIENTLY.sql for sql, _ in statements) else 0
    try:
        async with (
            asyncio.timeout(ANSWERED_WITHIN_SECONDS + patience),
            sent_together(driver) if several else nullcontext(),
        ):
            if begin:
                await driver.execute("BEGIN", prepare=False)
            if narrows is not None:
                await driver.execute(narrows[0], [narrows[1]])
            for cursor, (sql, parameters) in zip(cursors, statements, strict=True):
                await cursor.execute(sql, parameters)
            if commit:
                await driver.execute("COMMIT", prepare=False)
        if commit and driver in _kept_once:
            raise KeptOnce
    except (psycopg.Error, TimeoutError) as error:
        if driver.closed:
            await connection.invalidate(error)
            await connection.engine.dispose(close=False)
        raise
    finally:
        _kept_once.discard(driver)  # also where the wait was cancelled by us: the next commit is another
    return [await cursor.fetchall() if gave_rows(cursor.pgresult) else [] for cursor in cursors]


def gave_rows(result: PGresult | None) -> bool:
    """Whether it is a table, even of no rows. `cursor.description` tells too, but makes an object of each column."""
    return result is not None and result.status == ExecStatus.TUPLES_OK


class Reader:
    """Asks a connection several queries in one round trip."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    @overload
    async def fetch(self, first: Query[A], /) -> A: ...
    @overload
    async def fetch(self, first: Query[A], second: Query[B], /) -> tuple[A, B]: ...
    @overload
    async def fetch(self, first: Query[A], second: Query[B], third: Query[C], /) -> tuple[A, B, C]: ...
    @overload
    async def fetch(
        self, first: Query[A], second: Query[B], third: Query[C], fourth: Query[D], /
    ) -> tuple[A, B, C, D]: ...
    @overload
    async def fetch(
        self, first: Query[A], second: Query[B], third: Query[C], fourth: Query[D], fifth: Query[E], /
    ) -> tuple[A, B, C, D, E]: ...
    @overload
    async def fetch(
        self, first: Query[A], second: Query[B], third: Query[C], fourth: Query[D], fifth: Query[E], sixth: Query[F], /
    ) -> tuple[A, B, C, D, E, F]: ...
    @overload
    async def fetch(
        self, first: Query[A], second: Query[B], third: Query[C], fourth: Query[D], fifth: Query[E], sixth: Query[F],
        seventh: Query[G], eighth: Query[H], /
    ) -> tuple[A, B, C, D, E, F, G, H]: ...  # fmt: skip
    async def fetch(self, *queries: Query[Any]) -> Any:
        """The answer of one query, or a tuple with one answer each, from one round trip. Raises psycopg's errors."""
        decoded = await self.fetch_each(queries)
        return decoded[0] if len(decoded) == 1 else tuple(decoded)

    async def fetch_each(self, queries: Sequence[Query[A]]) -> list[A]:
        """As `fetch`, for any number of queries of one kind. Without a query it asks nothing."""
        answers: dict[int, Any] = {}
        for at, query in enumerate(queries):
            if query.cache is not None and (kept := query.cache.get(query.cache_key)) is not None:
                answers[at] = kept
        asked = [at for at in range(len(queries)) if at not in answers]
        statements = [(queries[at].sql, queries[at].parameters) for at in asked]
        rows_of = await execute_pipelined(self.connection, *statements, named=True) if asked else []
        for at, rows in zip(asked, rows_of, strict=True):
            query = queries[at]
            answers[at] = query.decode(rows)
            if query.cache is not None and answers[at] is not None:
                query.cache[query.cache_key] = answers[at]
        return [answers[at] for at in range(len(queries))]
