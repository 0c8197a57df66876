"""The pages: every open episode, and one timeline an episode. Whole without JavaScript; live with a few lines of it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.console import reading
from services.console.live import Changes
from services.console.looks import environment
from services.console.shared import Shared
from services.console.words import Words
from services.runtime.clocks import Clocks
from services.store.transaction import Store

STATIC = Path(__file__).parent / "static"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No episode has this id.", "content": {"text/html": {}}}
}


class Pages:
    """Personal details are on no page. There are no accounts yet: whoever reaches the port may look, so bind it to loopback."""

    def __init__(self, opened: Store, clocks: Clocks, changes: Changes, *, sandbox: bool) -> None:
        self._opened = opened
        self._clocks = clocks
        self._changes = changes
        self._sandbox = sandbox
        self._templates = Jinja2Templates(env=environment(Words()))
        self._overview = Shared(changes)

    def app(self) -> FastAPI:
        """A page's changing part is also at `/parts/...`; `/changes` says when to fetch it."""
        app = FastAPI(title="Safe Return console", docs_url=None, redoc_url=None, openapi_url=None)
        app.mount("/static", StaticFiles(directory=STATIC))
        app.add_api_route("/", self.open_episodes, response_class=HTMLResponse)
        app.add_api_route("/parts/open", self.open_episodes_part, response_class=HTMLResponse)
        app.add_api_route("/episodes/{episode}", self.episode, response_class=HTMLResponse, responses=NOT_FOUND)
        app.add_api_route(
            "/parts/episodes/{episode}", self.episode_part, response_class=HTMLResponse, responses=NOT_FOUND
        )
        app.add_api_route("/changes", self.follow)
        app.add_exception_handler(HTTPException, self._problem)
        return app

    async def open_episodes(self, request: Request) -> Response:
        return self._page(request, "open.html", await reading.standing(self._opened, self._clocks.story()))

    async def open_episodes_part(self, request: Request) -> Response:
        async def fresh() -> Response:
            return self._page(request, "_open.html", await reading.standing(self._opened, self._clocks.story()))

        return await self._overview.answer(fresh)

    async def episode(self, request: Request, episode: UUID) -> Response:
        return self._page(request, "episode.html", await self._found(episode))

    async def episode_part(self, request: Request, episode: UUID) -> Response:
        return self._page(request, "_episode.html", await self._found(episode))

    async def follow(self, child: str | None = None) -> EventSourceResponse:
        """Says "changed" at once and at each change, of one child or of any."""

        async def told() -> AsyncIterator[ServerSentEvent]:
            async with aclosing(self._changes.of(child)) as changed:
                async for _ in changed:
                    yield ServerSentEvent(event="changed", data="")

        return EventSourceResponse(told())

    async def _found(self, episode: UUID) -> dict[str, object]:
        shown = await reading.one_episode(self._opened, episode)
        if shown is None:
            raise HTTPException(404, "No episode has this id.")
        return shown

    async def _problem(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._page(request, "problem.html", {}, status)

    def _page(self, request: Request, name: str, shown: dict[str, object], status: int = 200) -> Response:
        shown |= {"now": self._clocks.story(), "sandbox": self._sandbox}
        return self._templates.TemplateResponse(request, name, shown, status_code=status, headers=SECURITY)
