"""The pages that show how things stand: every open episode, and one timeline an episode."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.console.web.changes import Changes
from services.console.web.queries import Reading
from services.console.web.session import SessionGuard, SignedIn, must_be_text
from services.console.web.shared_response import SharedResponse
from services.console.web.templates import Templates
from services.safeguarding.identifiers import AuthorityId

SIGNED_OUT: dict[int | str, dict[str, Any]] = {
    401: {"description": "Signed out.", "content": {"text/html": {}}},
}
SENT_TO_SIGN_IN: dict[int | str, dict[str, Any]] = {
    303: {"description": "Signed out: to the page to sign in.", "content": {"text/html": {}}},
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No episode has this id.", "content": {"text/html": {}}}
}


@dataclass(frozen=True)
class ReadingPages:
    """A page's changing part is also at `/parts/...`; `/changes` says when to fetch it. Both only follow: they keep no session alive."""

    reading: Reading
    door: SessionGuard
    look: Templates
    changes: Changes
    _overviews: dict[AuthorityId | None, SharedResponse] = field(default_factory=dict)

    def mount(self, app: FastAPI) -> None:
        page, part = SENT_TO_SIGN_IN, SIGNED_OUT
        app.add_api_route("/", self.open_episodes, response_class=HTMLResponse, responses=page)
        app.add_api_route("/parts/open", self.open_episodes_part, response_class=HTMLResponse, responses=part)
        app.add_api_route("/episodes/{episode}", self.episode, response_class=HTMLResponse, responses=page | NOT_FOUND)
        app.add_api_route(
            "/parts/episodes/{episode}", self.episode_part, response_class=HTMLResponse, responses=part | NOT_FOUND
        )
        app.add_api_route("/changes", self.follow, responses=part)

    async def open_episodes(self, request: Request) -> Response:
        here = await self.door.require(request)
        shown = await self.reading.standing(here.operator.authority)
        return self.look.page(request, "open.html", shown, here=here.operator, csrf=here.csrf)

    async def open_episodes_part(self, request: Request) -> Response:
        """The same for all of one authority, so made once for all of them."""
        here = await self.door.require(request, following=True)
        authority = here.operator.authority

        async def fresh() -> Response:
            return self.look.page(request, "_open.html", await self.reading.standing(authority))

        return await self._overviews.setdefault(authority, SharedResponse(self.changes)).answer(fresh)

    async def episode(self, request: Request, episode: UUID, done: str = "") -> Response:
        here = await self.door.require(request)
        shown = await self._found(here, episode) | {"done": done}
        return self.look.page(request, "episode.html", shown, here=here.operator, csrf=here.csrf)

    async def episode_part(self, request: Request, episode: UUID) -> Response:
        here = await self.door.require(request, following=True)
        return self.look.page(request, "_episode.html", await self._found(here, episode), here=here.operator)

    async def follow(self, request: Request, child: str | None = None) -> EventSourceResponse:
        """Says "changed" at once and at each change, of one child or of any; to whoever sees one authority, of that one alone."""
        here = await self.door.require(request, following=True)
        authority = here.operator.authority
        must_be_text("child", child or "")
        if child is not None and authority is not None and not await self.reading.is_of(child, authority):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        of = self.changes.of(None, authority) if child is None else self.changes.of(child)

        async def told() -> AsyncIterator[ServerSentEvent]:
            async with aclosing(of) as changed:
                async for _ in changed:
                    yield ServerSentEvent(event="changed", data="")

        return EventSourceResponse(told())

    async def _found(self, here: SignedIn, episode: UUID) -> dict[str, object]:
        """Another authority's is as one that there is not."""
        shown = await self.reading.one_episode(episode, here.operator)
        if shown is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-episode")
        return shown
