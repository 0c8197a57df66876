"""Tells open pages of the changes that any process wrote."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from services.console import metrics
from services.console.read_model.repository import CHANGES
from services.platform.runtime.clocks import Clocks
from services.platform.store.notifications import Channels
from services.safeguarding.identifiers import Scope

AT_MOST_EVERY_SECONDS = 0.5
"""A page is told at most this often, and then fetches all changes at once."""


class Changes:
    """Hears of changes for all pages of this process.

    No change is missed while the process's listener has no connection: every page fetches again then, and when it is
    back.
    """

    def __init__(self, channels: Channels, clocks: Clocks) -> None:
        self._pages: dict[asyncio.Event, tuple[str | None, Scope]] = {}
        self._closed = False
        self.count = 0
        """Of changes so far: a page that was rendered at the same count is still current."""
        channels.on(CHANGES, self._heard)
        clocks.on_move(self._notify_all)

    def close(self) -> None:
        """Ends every `follow`."""
        self._closed = True
        self._notify_all()

    async def follow(self, child: str | None, authorities: Scope = None) -> AsyncGenerator[None]:
        """Yields at once and at every change, until closed. `child` None: of any child. `authorities` None: of
        every authority, and changes that belong to none.
        """
        with self._page(child, authorities) as changed:
            while not self._closed:
                changed.clear()
                yield
                await asyncio.sleep(AT_MOST_EVERY_SECONDS)
                await changed.wait()

    @contextmanager
    def _page(self, child: str | None, authorities: Scope) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._pages[changed] = child, authorities
        metrics.LIVE_PAGES.set(len(self._pages))
        try:
            yield changed
        finally:
            del self._pages[changed]
            metrics.LIVE_PAGES.set(len(self._pages))

    def _heard(self, change: str | None) -> None:
        if change is None:
            self._notify_all()
        else:
            child, authority = change.split(" ", 1)
            self.count += 1
            for changed, (followed, scope) in self._pages.items():
                if followed in {None, child} and (scope is None or authority in scope):
                    changed.set()

    def _notify_all(self) -> None:
        self.count += 1
        for changed in self._pages:
            changed.set()
