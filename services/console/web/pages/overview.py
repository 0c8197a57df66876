"""Serves the list of open cases, housekeeping and the directory, and the stream that says when a page has changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.console.web.changes import Changes
from services.console.web.queries import PageQueries
from services.console.web.templates import Pages

SIGNED_OUT = {401: {"description": "Signed out.", "content": {"text/html": {}}}}
SENT_TO_SIGN_IN = {303: {"description": "Signed out: to the page to sign in.", "content": {"text/html": {}}}}
PAGE: dict[str, Any] = {"response_class": HTMLResponse, "responses": SENT_TO_SIGN_IN}
PART: dict[str, Any] = {"response_class": HTMLResponse, "responses": SIGNED_OUT}

GOOD_FOR_SECONDS = 1.0
"""The page shows the time, so it is rendered anew after this even without a change."""


class SharedResponse:
    """Of one page, shared by all screens that show it, so that a change is read once for all. A request after a change
    never gets an answer from before it.
    """

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
        return self.templates.page(request, "open.html", shown | {"whole": bool(whole)}, signed_in)

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
