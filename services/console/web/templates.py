"""How every page is made: its template, who looks at it, the headers that keep it to itself."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from fastapi.templating import Jinja2Templates
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as StarletteMessage

from services.console.policy.permits import May, Operator
from services.console.web.filters import PAGES, environment
from services.console.web.wording import Words
from services.platform.runtime.clocks import Clocks

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class Guarded:
    """Every answer has these headers, files and refusals too; those that a page sets itself stand."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: StarletteMessage) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    given.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)


SECTIONS = (
    ("/", "Open episodes"),
    ("/directory", "Directory"),
    ("/dead-letters", "Dead letters"),
    ("/exercise", "Exercise"),
)


class Templates:
    def __init__(self, clocks: Clocks, *, sandbox: bool) -> None:
        self.clocks = clocks
        self.words = Words()
        self._sandbox = sandbox
        self._sections: tuple[tuple[str, str], ...] = SECTIONS
        self._folders: tuple[Path, ...] = (PAGES,)
        self._templates = Jinja2Templates(env=environment(self.words))

    def add(self, folder: Path, *sections: tuple[str, str]) -> None:
        """Pages of a floor above the services, which stand on `page.html`, and the sections that lead to them: path and name."""
        self._sections += sections
        self._folders += (folder,)
        self._templates = Jinja2Templates(env=environment(self.words, self._folders))

    def page(
        self,
        request: Request,
        name: str,
        shown: dict[str, object],
        *,
        here: Operator | None = None,
        csrf: str = "",
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        """`here`: who looks. `csrf`: what forms of this page send back."""
        around = {
            "now": self.clocks.story(),
            "sandbox": self._sandbox,
            "sections": self._sections,
            "here": here,
            "csrf": csrf,
            "May": May,
        }
        return self._templates.TemplateResponse(request, name, around | shown, status_code=status, headers=SECURITY)


def go_to(path: str) -> RedirectResponse:
    """After a form: the page to look at next. `path` is one of ours."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers=SECURITY)
