"""Tells open pages that what they show has changed, whichever process heard of it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from services.console import metrics
from services.console.store import CHANGES
from services.runtime.clocks import Clocks
from services.runtime.repeating import Repeating

LISTEN_SECONDS = 0.25
AT_MOST_EVERY_SECONDS = 0.2
"""A page is told at most so often, however much happens: it shows all of it at once then."""


class Changes:
    """A part. Listens on one connection for all pages of this process. A change that comes while the connection is away is
    not missed: every page looks again when it is back.
    """

    def __init__(self, database: URL, clocks: Clocks) -> None:
        self._database = database.set(drivername="postgresql").render_as_string(hide_password=False)
        self._clocks = clocks
        self._ahead_by = timedelta()
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._pages: dict[asyncio.Event, str | None] = {}
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
        self._tell(None)

    async def of(self, child: str | None) -> AsyncGenerator[None]:
        """Yields at once, and whenever something about `child` (None: about anyone) has changed, until closed."""
        with self._page(child) as changed:
            while not self._closed:
                changed.clear()
                yield
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                await changed.wait()

    @contextmanager
    def _page(self, child: str | None) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._pages[changed] = child
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
                await self._connection.execute(SQL("LISTEN {}").format(Identifier(CHANGES)))
                self._tell(None)
            async for told in self._connection.notifies(timeout=LISTEN_SECONDS):
                self._tell(told.payload or None)
        except psycopg.Error:
            self._connection = None
            raise
        if self._clocks.offset != self._ahead_by:
            self._ahead_by = self._clocks.offset
            self._tell(None)
        return True

    def _tell(self, child: str | None) -> None:
        self.told += 1
        for changed, follows in self._pages.items():
            if follows is None or child is None or follows == child:
                changed.set()
