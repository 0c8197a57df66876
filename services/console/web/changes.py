"""Tells open pages that what they show has changed, whichever process heard of it."""

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
ASKS_EVERY_SECONDS, ANSWERED_WITHIN_SECONDS = 2.0, 3.0
"""A connection that only listens is silent too when its other end has gone without a word; so it asks whether that is there."""
AT_MOST_EVERY_SECONDS = 0.2
"""A page is told at most so often, however much happens: it shows all of it at once then."""


class Changes:
    """A part. Listens on one connection for all pages of this process. A change that comes while the connection is away is
    not missed: every page looks again when it is back, and meanwhile whenever it is tried, so that none seems to be live that is not.
    """

    def __init__(
        self,
        database: URL,
        clocks: Clocks,
        *,
        asks_every: float = ASKS_EVERY_SECONDS,
        answered_within: float = ANSWERED_WITHIN_SECONDS,
    ) -> None:
        self._database = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._clocks = clocks
        self._asks_every, self._answered_within = asks_every, answered_within
        self._asked_at = 0.0
        self._ahead_by = timedelta()
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._pages: dict[asyncio.Event, Follows] = {}
        self._closed = False
        self.told = 0
        """How often anything has changed: what was shown at the same count is still so."""
        self._listening = Repeating("page changes", self._listen, every_seconds=1)
        self.obstacle = self._listening.obstacle

    async def start(self) -> None:
        await self._listening.start()

    async def stop(self) -> None:
        await self._listening.stop()
        if self._connection is not None:
            await self._connection.close()

    def close(self) -> None:
        """Ends what `of` yields to every page."""
        self._closed = True
        self._tell_all()

    async def of(self, child: str | None, authority: AuthorityId | None = None) -> AsyncGenerator[None]:
        """Yields at once, and whenever something about `child` (None: about anyone) has changed, until closed. Where an `authority`
        is given, of what is another's or nobody's not even that.
        """
        with self._page(Follows(child, authority)) as changed:
            while not self._closed:
                changed.clear()
                yield
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                await changed.wait()

    @contextmanager
    def _page(self, follows: "Follows") -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._pages[changed] = follows
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
                await self._ask(self._connection, SQL("LISTEN {}").format(Identifier(CHANGES)))
                self._tell_all()
            async for told in self._connection.notifies(timeout=LISTEN_SECONDS):
                self._tell(*told.payload.split(" ", 1))
            if asyncio.get_running_loop().time() - self._asked_at > self._asks_every:
                await self._ask(self._connection, SQL("SELECT 1"))
        except psycopg.Error:
            await self._give_up()
            raise
        if self._clocks.offset != self._ahead_by:
            self._ahead_by = self._clocks.offset
            self._tell_all()
        return True

    async def _ask(self, connection: psycopg.AsyncConnection[TupleRow], what: SQL | Composed) -> None:
        loop = asyncio.get_running_loop()
        self._asked_at = loop.time()
        too_late = loop.call_later(self._answered_within, _hang_up, connection)
        try:
            await connection.execute(what)
        finally:
            too_late.cancel()

    async def _give_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
        self._tell_all()

    def _tell(self, child: str, authority: str) -> None:
        self.told += 1
        for changed, follows in self._pages.items():
            if follows.child in {None, child} and follows.authority in {None, authority}:
                changed.set()

    def _tell_all(self) -> None:
        self.told += 1
        for changed in self._pages:
            changed.set()


def _hang_up(connection: psycopg.AsyncConnection[TupleRow]) -> None:
    """Whoever waits for it fails at once. Were the waiting cancelled, psycopg would ask the silent other end to stop first."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Follows:
    """What a page shows: of one child or of all, of one authority or of all."""

    child: str | None
    authority: AuthorityId | None
