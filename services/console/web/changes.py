"""Tells open pages of the changes that any process wrote."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import URL

from services.console import metrics
from services.console.read_model.repository import CHANGES
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.periodic import Repeating
from services.safeguarding.identifiers import AuthorityId

LISTEN_SECONDS = 0.25
PROBE_EVERY_SECONDS, ANSWERED_WITHIN_SECONDS = 2.0, 3.0
"""A connection that only listens does not notice that its other end is gone, so it is probed."""
AT_MOST_EVERY_SECONDS = 0.2
"""A page is told at most this often, and then fetches all changes at once."""


class Changes:
    """A part of the service host. Listens on one connection for all pages of this process.

    No change is missed while the connection is away: every page fetches again when it is back, and at every attempt
    until then.
    """

    def __init__(
        self,
        database: URL,
        clocks: Clocks,
        *,
        probe_every: float = PROBE_EVERY_SECONDS,
        answered_within: float = ANSWERED_WITHIN_SECONDS,
    ) -> None:
        self._database = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._clocks = clocks
        self._probe_every, self._answered_within = probe_every, answered_within
        self._probed_at = 0.0
        self._clock_offset = timedelta()
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._pages: dict[asyncio.Event, PageScope] = {}
        self._closed = False
        self.count = 0
        """Of changes so far: a page that was rendered at the same count is still current."""
        self._listening = Repeating("page changes", self._listen, every_seconds=1)
        self.obstacle = self._listening.obstacle

    async def start(self) -> None:
        await self._listening.start()

    async def stop(self) -> None:
        await self._listening.stop()
        if self._connection is not None:
            await self._connection.close()

    def close(self) -> None:
        """Ends every `follow`."""
        self._closed = True
        self._notify_all()

    async def follow(self, child: str | None, authority: AuthorityId | None = None) -> AsyncGenerator[None]:
        """Yields at once and at every change, until closed. `child` None: of any child. `authority` None: of every
        authority, and changes that belong to none.
        """
        with self._page(PageScope(child, authority)) as changed:
            while not self._closed:
                changed.clear()
                yield
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                await changed.wait()

    @contextmanager
    def _page(self, scope: "PageScope") -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._pages[changed] = scope
        metrics.LIVE_PAGES.set(len(self._pages))
        try:
            yield changed
        finally:
            del self._pages[changed]
            metrics.LIVE_PAGES.set(len(self._pages))

    async def _listen(self) -> bool:
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._database, autocommit=True, connect_timeout=3
                )
                await self._execute(self._connection, SQL("LISTEN {}").format(Identifier(CHANGES)))
                self._notify_all()
            async for notification in self._connection.notifies(timeout=LISTEN_SECONDS):
                self._notify(*notification.payload.split(" ", 1))
            if asyncio.get_running_loop().time() - self._probed_at > self._probe_every:
                await self._execute(self._connection, SQL("SELECT 1"))
        except psycopg.Error:
            await self._give_up()
            raise
        if self._clocks.offset != self._clock_offset:
            self._clock_offset = self._clocks.offset
            self._notify_all()
        return True

    async def _execute(self, connection: psycopg.AsyncConnection[TupleRow], what: SQL | Composed) -> None:
        loop = asyncio.get_running_loop()
        self._probed_at = loop.time()
        too_late = loop.call_later(self._answered_within, _hang_up, connection)
        try:
            await connection.execute(what)
        finally:
            too_late.cancel()

    async def _give_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
        self._notify_all()

    def _notify(self, child: str, authority: str) -> None:
        self.count += 1
        for changed, scope in self._pages.items():
            if scope.child in {None, child} and scope.authority in {None, authority}:
                changed.set()

    def _notify_all(self) -> None:
        self.count += 1
        for changed in self._pages:
            changed.set()


def _hang_up(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Makes the pending statement fail at once. Cancelling it would make psycopg ask the silent other end first."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class PageScope:
    """The changes that a page follows. None: of every child, of every authority."""

    child: str | None
    authority: AuthorityId | None
