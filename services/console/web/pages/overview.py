"""Serves the list of open cases, housekeeping and the directory, and the stream that says when a page has changed.

Open pages are told of the changes that any process wrote.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.console import metrics
from services.console.accounts import account_names
from services.console.acts.service import ConsoleService
from services.console.policy.access import Operator
from services.console.policy.directory import directory
from services.console.policy.status import CaseLine, overview
from services.console.read_model import projections
from services.console.read_model import repository as read_model
from services.console.web.templates import Pages
from services.platform.register.directory import force_lines, rota_lines
from services.platform.runtime.clocks import Clocks
from services.platform.store.engine import Channels
from services.safeguarding.identifiers import AuthorityId, Scope

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
        channels.on(read_model.CHANGES, self._heard)
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


CASES_SHOWN = 60
DEAD_LETTERS_COUNTED = timedelta(days=7)
DEAD_LETTERS_LISTED = timedelta(days=30)


class PageQueries(ConsoleService):
    async def overview(self, authorities: Scope, *, whole: bool = False, untold: bool = False) -> dict[str, object]:
        """Every open case, and the other duties that wait for an answer. Dead letters belong to no authority. The least
        urgent cases are left out unless `whole`; `untold`: only those that police do not have.
        """
        async with self.store.read() as reader:
            open_, elsewhere, housekeeping, letters = await reader.fetch(
                projections.open_cases(authorities),
                projections.duties_beside(authorities, housekeeping=False),
                projections.housekeeping_waits(authorities),
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_COUNTED),
            )
        shown = overview(open_, elsewhere, self.clocks.story())
        listed = [each for each in shown.cases if not untold or each.reference in shown.not_told]
        return {
            "overview": shown,
            "listed": listed,
            "untold": untold,
            "folded": 0 if whole else max(0, len(listed) - CASES_SHOWN),
            "housekeeping": housekeeping,
            "letters": 0 if authorities is not None else sum(each.redriven_at is None for each in letters),
            "by_id": authorities is None,
        }

    async def housekeeping(self, operator: Operator) -> dict[str, object]:
        """What may wait until nobody is missing: contacts, photographs, monthly tests."""
        async with self.store.read() as reader:
            duties = await reader.fetch(projections.duties_beside(operator.scope, housekeeping=True))
        return {"duties": duties, "by_id": operator.scope is None}

    async def is_of_any(self, child: str, authorities: Sequence[AuthorityId]) -> bool:
        """Whether the child, or any episode or duty of it, is one of these authorities'."""
        async with self.store.read() as reader:
            return await reader.fetch(projections.is_of_any(child, authorities))

    async def exercises(self, authorities: Scope) -> tuple[CaseLine, ...]:
        """Those under way."""
        async with self.store.read() as reader:
            return overview(await reader.fetch(projections.open_cases(authorities)), (), self.clocks.story()).practice

    async def directory(self, operator: Operator) -> dict[str, object]:
        """Everybody on it is staff. The staff of one child are shown with the child's code."""
        now = self.clocks.story()
        async with self.store.read() as reader:
            rota, forces, contacts = await reader.fetch(
                rota_lines(self.keyring, operator.scope, now),
                force_lines(self.clocks.wall()),
                projections.all_contacts(),
            )
        return {"directory": directory(rota, contacts, now), "forces": forces}

    async def dead_letters(self) -> dict[str, object]:
        async with self.store.read() as reader:
            letters, names = await reader.fetch(
                read_model.dead_letters_after(self.clocks.story() - DEAD_LETTERS_LISTED), account_names()
            )
        return {"letters": letters, "names": names}


SIGNED_OUT = {401: {"description": "Signed out.", "content": {"text/html": {}}}}
SENT_TO_SIGN_IN = {303: {"description": "Signed out: to the page to sign in.", "content": {"text/html": {}}}}
PAGE: dict[str, Any] = {"response_class": HTMLResponse, "responses": SENT_TO_SIGN_IN}
PART: dict[str, Any] = {"response_class": HTMLResponse, "responses": SIGNED_OUT}

GOOD_FOR_SECONDS = 1.0
"""The page shows the time, so it is rendered anew after this even without a change."""


class SharedResponse:
    """Of one page, for all screens that show it: a change is read once. No answer is from before a change."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._rendering = asyncio.Lock()
        self._answer: Response | None = None
        self._count = -1
        self._rendered_at = 0.0

    async def answer(self, render: Callable[[], Awaitable[Response]]) -> Response:
        """One of the requests that wait calls `render`, for all of them."""
        async with self._rendering:
            now = asyncio.get_running_loop().time()
            is_old = self._count != self._changes.count or now - self._rendered_at > GOOD_FOR_SECONDS
            if self._answer is None or is_old:
                count = self._changes.count
                self._answer = await render()
                self._count, self._rendered_at = count, now
            return self._answer


@dataclass(frozen=True)
class OverviewPages(Pages):
    """`/parts/...` serves a page's changing part, `/changes` says when to fetch it."""

    queries: PageQueries
    changes: Changes
    _overviews: dict[tuple[frozenset[str], bool, bool], SharedResponse] = field(default_factory=dict)

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/", self.show_overview, **PAGE)
        app.add_api_route("/parts/open", self.show_overview_part, **PART)
        for path, template, name, query, about in (
            ("/housekeeping", "housekeeping.html", "show_housekeeping", self.queries.housekeeping, PAGE),
            ("/parts/housekeeping", "_beside.html", "show_housekeeping_part", self.queries.housekeeping, PART),
            ("/directory", "directory.html", "show", self.queries.directory, PAGE),
        ):
            app.add_api_route(path, self.list_page(template, query), name=name, **about)
        app.add_api_route("/changes", self.follow, responses=PART["responses"])

    async def show_overview(self, request: Request, whole: str = "", untold: str = "") -> Response:
        """`whole`: anything asks for the less urgent cases too; `untold`: for those alone that police do not have."""
        signed_in = await self.guard.require(request)
        shown = await self.queries.overview(signed_in.operator.scope, whole=bool(whole), untold=bool(untold))
        return self.templates.page(signed_in, "open.html", shown | {"whole": bool(whole)})

    async def show_overview_part(self, request: Request, whole: str = "", untold: str = "") -> Response:
        """Rendered once for all operators of the same authorities."""
        operator, asked = (await self.guard.require(request)).operator, (bool(whole), bool(untold))

        async def render() -> Response:
            shown = await self.queries.overview(operator.scope, whole=asked[0], untold=asked[1])
            return self.templates.page(request, "_open.html", shown)

        shared = self._overviews.setdefault((operator.authorities, *asked), SharedResponse(self.changes))
        return await shared.answer(render)

    async def follow(self, request: Request, child: str | None = None) -> EventSourceResponse:
        """Sends "changed" at once and at each change of one child, or of any, of the operator's authorities."""
        scope = (await self.guard.require(request)).operator.scope
        if child is not None and scope is not None and not await self.queries.is_of_any(child, scope):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        changes = self.changes.follow(None, scope) if child is None else self.changes.follow(child)

        async def events() -> AsyncIterator[ServerSentEvent]:
            async with aclosing(changes) as changed:
                async for _ in changed:
                    yield ServerSentEvent(event="changed", data="")

        return EventSourceResponse(events())
