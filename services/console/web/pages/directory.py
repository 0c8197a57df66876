"""Serves the directory: who is on duty now and next, which contacts are in doubt, how each force is reached."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.web.pages.overview import SENT_TO_SIGN_IN
from services.console.web.queries import PageQueries
from services.console.web.session import SessionGuard
from services.console.web.templates import Templates


@dataclass(frozen=True)
class DirectoryPages:
    queries: PageQueries
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/directory", self.show, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request)
        shown = await self.queries.directory(signed_in.operator.scope)
        return self.templates.page(request, "directory.html", shown, signed_in)
