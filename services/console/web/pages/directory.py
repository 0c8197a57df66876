"""The directory: who is on duty now, who comes after them, which contacts are in doubt, how each force is reached."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.web.pages.overview import SENT_TO_SIGN_IN
from services.console.web.queries import Reading
from services.console.web.session import SessionGuard
from services.console.web.templates import Templates


@dataclass(frozen=True)
class DirectoryPages:
    reading: Reading
    door: SessionGuard
    look: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/directory", self.shows, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)

    async def shows(self, request: Request) -> Response:
        here = await self.door.require(request)
        shown = await self.reading.directory(here.operator.authority)
        return self.look.page(request, "directory.html", shown, here=here.operator, csrf=here.csrf)
