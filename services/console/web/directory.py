"""The directory: who is on duty now, who comes after them, which contacts are in doubt, how each force is reached."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.reading import Reading
from services.console.web.door import Door
from services.console.web.look import Look
from services.console.web.reading import SENT_TO_SIGN_IN


@dataclass(frozen=True)
class DirectoryPages:
    reading: Reading
    door: Door
    look: Look

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/directory", self.shows, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)

    async def shows(self, request: Request) -> Response:
        here = await self.door.enter(request)
        shown = await self.reading.directory(here.operator.authority)
        return self.look.page(request, "directory.html", shown, here=here.operator, csrf=here.csrf)
