"""Serves the list of open cases, housekeeping beside it, and the stream that says when a page has changed."""

from collections.abc import AsyncIterator
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
from services.console.web.session import SessionGuard, require_text
from services.console.web.shared_response import SharedResponse
from services.console.web.templates import Templates

SIGNED_OUT: dict[int | str, dict[str, Any]] = {
    401: {"description": "Signed out.", "content": {"text/html": {}}},
}
SENT_TO_SIGN_IN: dict[int | str, dict[str, Any]] = {
    303: {"description": "Signed out: to the page to sign in.", "content": {"text/html": {}}},
}


@dataclass(frozen=True)
class OverviewPages:
    """`/parts/...` serves a page's changing part, `/changes` says when to fetch it. Neither prolongs the session."""

    queries: PageQueries
    guard: SessionGuard
    templates: Templates
    changes: Changes
    _overviews: dict[tuple[frozenset[str], bool], SharedResponse] = field(default_factory=dict)

    def mount(self, app: FastAPI) -> None:
        for path, endpoint, responses in (
            ("/", self.show_overview, SENT_TO_SIGN_IN),
            ("/parts/open", self.show_overview_part, SIGNED_OUT),
            ("/housekeeping", self.show_housekeeping, SENT_TO_SIGN_IN),
            ("/parts/housekeeping", self.show_housekeeping_part, SIGNED_OUT),
        ):
            app.add_api_route(path, endpoint, response_class=HTMLResponse, responses=responses)
        app.add_api_route("/changes", self.follow, responses=SIGNED_OUT)

    async def show_overview(self, request: Request, whole: str = "") -> Response:
        """`whole`: anything asks for the less urgent cases too."""
        signed_in = await self.guard.require(request)
        shown = await self.queries.overview(signed_in.operator.scope, whole=bool(whole))
        return self.templates.page(request, "open.html", shown | {"whole": bool(whole)}, signed_in)

    async def show_overview_part(self, request: Request, whole: str = "") -> Response:
        """Rendered once for all operators of the same authorities."""
        signed_in = await self.guard.require(request, following=True)
        operator = signed_in.operator

        async def render() -> Response:
            return self.templates.page(
                request, "_open.html", await self.queries.overview(operator.scope, whole=bool(whole))
            )

        return await self._overviews.setdefault(
            (operator.authorities, bool(whole)), SharedResponse(self.changes)
        ).answer(render)

    async def show_housekeeping(self, request: Request) -> Response:
        signed_in = await self.guard.require(request)
        shown = await self.queries.housekeeping(signed_in.operator.scope)
        return self.templates.page(request, "housekeeping.html", shown, signed_in)

    async def show_housekeeping_part(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, following=True)
        shown = await self.queries.housekeeping(signed_in.operator.scope)
        return self.templates.page(request, "_beside.html", shown, signed_in)

    async def follow(self, request: Request, child: str | None = None) -> EventSourceResponse:
        """Sends "changed" at once and at each change of one child, or of any, of the operator's authorities."""
        signed_in = await self.guard.require(request, following=True)
        scope = signed_in.operator.scope
        require_text("child", child or "")
        if child is not None and scope is not None and not await self.queries.is_of_any(child, scope):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        changes = self.changes.follow(None, scope) if child is None else self.changes.follow(child)

        async def events() -> AsyncIterator[ServerSentEvent]:
            async with aclosing(changes) as changed:
                async for _ in changed:
                    yield ServerSentEvent(event="changed", data="")

        return EventSourceResponse(events())
