"""Dead letters: what services could not work on, and why."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.reading import Reading
from services.console.web.door import Door
from services.console.web.look import Look
from services.console.web.reading import SENT_TO_SIGN_IN


@dataclass(frozen=True)
class LettersPages:
    reading: Reading
    door: Door
    look: Look

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/dead-letters", self.shows, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)

    async def shows(self, request: Request) -> Response:
        here = await self.door.enter(request)
        shown = await self.reading.dead_letters()
        return self.look.page(request, "letters.html", shown, here=here.operator, csrf=here.csrf)
