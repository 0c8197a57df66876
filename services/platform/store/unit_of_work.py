"""One transaction for everything that a message, a request or a turn of a loop brings about.

`GroupCommit` commits several units of work in one transaction: the busier it is, the larger the groups.
"""

import asyncio
import contextlib
import operator
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.messages.envelope import compose
from services.platform.messages.signature import Signer
from services.platform.runtime.clocks import Clocks
from services.platform.store import outbox
from services.platform.store.engine import Channels, is_transient, taken_out
from services.platform.store.query import (
    BEGINS,
    Reader,
    Statement,
    execute_pipelined,
    narrow,
    opens_a_transaction,
    to_columns,
    unnest_rows,
)
from services.safeguarding.message import Message

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[T]):
    one: T
    committed: asyncio.Future[None]


class GroupCommit(Generic[T]):
    """`commit` writes all of several, or none. At most `at_once` groups are under way, of `most` at most.

    `gather_seconds`: how long the first of a group waits for others, unless the group is full before or somebody
    hurries.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[None]],
        *,
        most: int,
        at_once: int = 1,
        gather_seconds: float = 0.0,
    ) -> None:
        self._commit = commit
        self._most, self._at_once = most, at_once
        self._gather_seconds = gather_seconds
        self._waiting: list[_Waiting[T]] = []
        self._running: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Future[None]] = set()
        self._hurried = asyncio.Event()
        self._closed = False

    def hurry(self) -> None:
        """Whatever waits for others waits no longer."""
        if self._waiting:
            self._hurried.set()

    async def put(self, one: T, *, hurries: bool = False) -> None:
        """Returns when it is committed. One that `hurries` waits for no others. Raises what kept it from being so, and
        CancelledError where this was closed first.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            committed.cancel()
            await committed
        self._asked.add(committed)
        committed.add_done_callback(self._asked.discard)
        self._waiting.append(_Waiting(one, committed))
        if hurries or len(self._waiting) >= self._most:
            self.hurry()
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        await committed

    async def close(self) -> None:
        """Cancels the callers that still wait. A transaction under way is rolled back, unless it was committed."""
        self._closed = True
        for running in list(self._running):
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        for committed in list(self._asked):
            committed.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                if self._gather_seconds:
                    await self._gather()
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._put(group)
        finally:
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _gather(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._gather_seconds):
                await self._hurried.wait()
        if len(self._waiting) <= self._most:
            self._hurried.clear()

    async def _put(self, group: list[_Waiting[T]]) -> None:
        """One that cannot be written for a reason of its own must not take the others with it: then each goes alone."""
        try:
            await self._commit([each.one for each in group])
        except Exception as error:  # noqa: BLE001 whoever waits for it is told
            if len(group) > 1 and not is_transient(error):
                for each in group:
                    await self._put([each])
                return
            for each in group:
                if not each.committed.done():
                    each.committed.set_exception(error)
        else:
            for each in group:
                if not each.committed.done():
                    each.committed.set_result(None)


WAIT_FOR_STANDBY = "SELECT pg_logical_emit_message(true, 'again', '')"
"""Nobody reads it. A commit that writes nothing waits for no standby."""


class Cause(Protocol):
    """The message, delivery or row that an event follows from: its trace goes on, and practice stays practice."""

    @property
    def exercise(self) -> bool: ...
    @property
    def trace(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """The service that publishes, its clocks, and its signature. None: nothing is signed here (tests alone)."""

    service: str
    clocks: Clocks
    signer: Signer | None = None


class Local(Generic[T]):
    """A variable of one unit of work: what a handler knows but has not written, for later messages in it."""

    def __init__(self, initial: Callable[[], T]) -> None:
        self.initial = initial


NOTIFY = f"SELECT pg_notify(channel, payload) FROM {unnest_rows({'channel': 'text', 'payload': 'text'})}"  # noqa: S608 its own words


class UnitOfWork(Reader):
    """Reads with `fetch`, writes with the commit (`write`, `bulk_write`, `save_once`), publishes with `publish`.

    Nothing that waits for the commit is visible to `fetch` or `connection`, which run at once.
    """

    def __init__(self, connection: AsyncConnection, origin: Origin | None = None) -> None:
        super().__init__(connection)
        self.published_keys: dict[str, None] = {}
        self.returned: dict[str, list[tuple[Any, ...]]] = {}
        """The rows that each statement of `bulk_write` returned when it was written."""
        self._origin = origin
        self._locals: dict[Local[Any], Any] = {}
        self._in_order: list[Statement] = []
        self._bulk: dict[str, list[Mapping[str, Any]]] = {}
        self._once: dict[str, dict[str, Callable[[], Mapping[str, Any]]]] = {}
        self._last: list[Callable[[], None]] = []
        self._acts: list[Callable[[], None]] = []

    def local(self, variable: Local[T]) -> T:
        if variable not in self._locals:
            self._locals[variable] = variable.initial()
        return cast("T", self._locals[variable])

    def write(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Runs with the commit, in the order of calls, before the statements of `bulk_write`."""
        self._in_order.append((sql, parameters))

    def bulk_write(self, sql: str, *rows: Mapping[str, Any], locks: str | None = None) -> None:
        """Runs with the commit, once for all rows in the order of calls, as arrays (`query.unnest_rows`). Its rows are
        in `returned` then.

        `locks` names the column whose value the statement locks: rows then go in its order, so that two transactions
        that lock the same rows cannot deadlock.
        """
        if rows:
            self._bulk.setdefault(sql, []).extend(rows)
            if locks is not None:
                self._bulk[sql].sort(key=operator.itemgetter(locks))

    def wait_for_standby(self) -> None:
        """For a transaction that finds done what it was asked for: the standby has that too once this is committed."""
        self.write(WAIT_FOR_STANDBY, {})

    def save_once(self, sql: str, name: str, row: Callable[[], Mapping[str, Any]]) -> None:
        """As `bulk_write`, for a row that may change several times in one transaction: of each `name` the last one
        alone is written, made with the commit, in the order of names.
        """
        self._once.setdefault(sql, {})[name] = row

    def publish(
        self,
        *events: Message | None,
        subject: str,
        cause: Cause | None = None,
        at: datetime | None = None,
        message_id: str | None = None,
        source: str | None = None,
        exercise: bool | None = None,
        trace: str | None = None,
    ) -> None:
        """Publishes the events if the transaction commits, and only then; those of one subject in the order of calls.
        None is passed over.

        `subject` is the child's id. `at` is story time: now, where none is given. `message_id` is fresh where none is
        given. `source` keeps the source of an agency's own event. `exercise` and `trace` take the place of the cause's.
        """
        origin = self._known_origin()
        if cause is not None:
            exercise = cause.exercise if exercise is None else exercise
            trace = trace or cause.trace
        for event in (each for each in events if each is not None):
            envelope = compose(
                event,
                said_by=origin.service,
                subject=subject,
                at=at or origin.clocks.story(),
                message_id=message_id,
                source=source,
                exercise=bool(exercise),
                trace=trace,
            )
            self.publish_composed(event.topic, subject, envelope)

    def publish_composed(self, topic: str, subject: str, envelope: bytes) -> None:
        """As `publish`, for an event that is composed already."""
        self.published_keys[subject] = None
        at, signed = self._known_origin().clocks.wall(), self.sign(envelope)
        self.bulk_write(outbox.PUT, {"key": subject, "topic": topic, "envelope": signed, "written_at": at})

    def sign(self, envelope: bytes) -> bytes:
        """As this service's word, even if another publishes it later. What is signed already stays as it is."""
        signer = self._known_origin().signer
        return envelope if signer is None else signer.sign(envelope)

    def notify(self, channel: str, payload: str = "") -> None:
        """Tells the listeners of all processes (`notifications.channels`) when it is committed. Such commits wait for
        each other in all of PostgreSQL: it is for what is rare, and for what no other process would notice soon.
        """
        self.save_once(NOTIFY, f"{channel} {payload}", lambda: {"channel": channel, "payload": payload})

    def published_messages(self) -> list[outbox.Committed]:
        """The messages of this transaction, as they lie in the outbox after its commit."""
        return outbox.list_committed(self._bulk.get(outbox.PUT, ()), self.returned.get(outbox.PUT, ()))

    def _known_origin(self) -> Origin:
        if self._origin is None:
            raise RuntimeError("this store belongs to no service, so nothing can be published")
        return self._origin

    def before_commit(self, act: Callable[[], None]) -> None:
        """`act` may still write and publish: what several handlers of one transaction bring about together."""
        self._last.append(act)

    def on_commit(self, act: Callable[[], None]) -> None:
        """`act` must not raise and must not wait. It is not called if the transaction fails, nor if the process dies
        first: it may only hurry what a sweep would do anyway. Its log lines name the message that it was left for.
        """
        self._acts.append(partial(copy_context().run, act))

    async def finish(self) -> None:
        """Writes what waits and commits, in one round trip."""
        for act in self._last:
            act()
        for sql, rows_by_name in self._once.items():
            self.bulk_write(sql, *(row() for _, row in sorted(rows_by_name.items(), key=operator.itemgetter(0))))
        bulk = [(sql, to_columns(rows)) for sql, rows in self._bulk.items()]
        statements = [*self._in_order, *bulk]
        if not statements and opens_a_transaction(self.connection.sync_connection):
            return
        answers = await execute_pipelined(self.connection, *statements, commit=True)
        for (sql, _), rows in zip(bulk, answers[len(self._in_order) :], strict=True):
            self.returned[sql] = rows

    def run_acts(self) -> None:
        for act in self._acts:
            act()


class Store:
    """Opens transactions, and hands each that has published something to the outbox relay once it is committed.

    `reading` runs each statement by itself: `async with store.reading.connect()`. Without an engine of its own it
    shares the pool of `engine`. Only the store of a service (`origin`) can publish; where the process has no relay, the
    relays of the service's other processes are told.
    """

    def __init__(
        self, engine: AsyncEngine, reading: AsyncEngine | None = None, *, origin: Origin | None = None
    ) -> None:
        self.engine = engine
        self.reading = reading or engine.execution_options(**{BEGINS: False})
        self.channels = Channels()
        self.on_published: Callable[[UnitOfWork], None] | None = None
        self.origin = origin
        self.authorities: Callable[[], Iterable[str] | None] = lambda: None

    def walled(self, authorities: Callable[[], Iterable[str]]) -> "Store":
        """The same for whoever is at the door: it sees the rows of these authorities, where no others are named."""
        walled = copy(self)
        walled.authorities = authorities
        return walled

    def _narrow(self, connection: AsyncConnection, to: Iterable[str] | UUID | None) -> None:
        named = self.authorities() if to is None else to
        if named is not None:
            narrow(connection.sync_connection, named)

    @asynccontextmanager
    async def transaction(self, seen: Iterable[str] | UUID | None = None) -> AsyncIterator[UnitOfWork]:
        """Commits at the end of the block, or rolls all of it back when the block raises. It sees the rows of these
        authorities, or of those whom the delivery behind a link concerns; where none are named, as the login does.
        """
        async with taken_out(self.engine) as connection:
            self._narrow(connection, seen)
            uow = UnitOfWork(connection, self.origin)
            yield uow
            if uow.published_keys and self.on_published is None and self.origin is not None:
                uow.notify(outbox.channel_of(self.origin.service))
            await uow.finish()
        if uow.published_keys and self.on_published is not None:
            self.on_published(uow)
        uow.run_acts()

    @asynccontextmanager
    async def read(self, authorities: Iterable[str] | None = None) -> AsyncIterator[Reader]:
        """For what only reads, each statement by itself. `authorities` as in `transaction`."""
        async with taken_out(self.reading) as connection:
            self._narrow(connection, authorities)
            yield Reader(connection)

    async def close(self) -> None:
        await self.engine.dispose()
        await self.reading.dispose()
