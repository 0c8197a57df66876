"""Renders every page: its template, the signed-in operator, and the headers that keep it private."""

import hmac
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
from services.console.web.session import SignedIn
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
NOT_SENT = "not-sent"
"""In an address: that nothing was done. Nobody is deceived about an act by it, so it needs no seal."""
SECTIONS = (
    ("/", "Open cases"),
    ("/report", "Report a child"),
    ("/shift", "Shift"),
    ("/housekeeping", "Housekeeping"),
    ("/returns", "Returns"),
    ("/directory", "Directory"),
    ("/dead-letters", "Dead letters"),
    ("/exercise", "Exercise"),
    ("/accounts", "Accounts"),
    ("/authorities", "Authorities"),
    ("/organisations", "Forces and agencies"),
    ("/records", "Holds and erasure"),
)


class SecurityHeaders:
    """Adds these headers to every answer, files and refusals included. A page's own headers take precedence."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: StarletteMessage) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


class Templates:
    def __init__(self, clocks: Clocks, *, sandbox: bool) -> None:
        self.clocks = clocks
        self.words = Words()
        self._sandbox = sandbox
        self._sections: tuple[tuple[str, str], ...] = SECTIONS
        self._folders: tuple[Path, ...] = (PAGES,)
        self._templates = Jinja2Templates(env=environment(self.words))

    def add(self, folder: Path, *sections: tuple[str, str]) -> None:
        """Adds templates that extend `page.html`, and sections for the navigation: path and name."""
        self._sections += sections
        self._folders += (folder,)
        self._templates = Jinja2Templates(env=environment(self.words, self._folders))

    def page(
        self,
        request: Request,
        name: str,
        shown: Mapping[str, object],
        signed_in: SignedIn | None = None,
        *,
        csrf: str = "",
        status: HTTPStatus | None = None,
    ) -> Response:
        """The page's forms send back `csrf`, or the session's own if somebody is signed in. `status` None: 422 where a
        `fault` or `faults` are shown, else 200.
        """
        is_faulty = shown.get("fault") or shown.get("faults")
        status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if is_faulty else HTTPStatus.OK)
        operator = None if signed_in is None else signed_in.operator
        context = {
            "now": self.clocks.story(),
            "sandbox": self._sandbox,
            "sections": [] if operator is None else [each for each in self._sections if _has(operator, each[0])],
            "operator": operator,
            "csrf": csrf if signed_in is None else signed_in.csrf,
            "May": May,
            "done": "" if signed_in is None else _done(request, signed_in),
        }
        return self._templates.TemplateResponse(
            request, name, {**context, **shown}, status_code=status, headers=SECURITY
        )

    def form(
        self,
        request: Request,
        name: str,
        shown: Mapping[str, object],
        signed_in: SignedIn,
        faults: Mapping[str, object],
    ) -> Response:
        """A page with a form, which names the faults of the last answers. Most are about no episode and no telling."""
        about = {"about": None, "steps": (), "faults": faults}
        return self.page(request, name, about | dict(shown), signed_in)


def _has(operator: Operator, section: str) -> bool:
    """Whether the navigation shows it to them."""
    if section in {"/accounts", "/authorities"}:
        return operator.may(May.ADMINISTER)
    if section == "/records":
        return operator.may(May.DISPOSE)
    if section == "/organisations":
        return operator.may(May.SEND_AGAIN) and operator.sees(None)
    return operator.may(May.LOOK) and (section != "/dead-letters" or operator.sees(None))


def _done(request: Request, signed_in: SignedIn) -> str:
    """What led here, if an act of this session did."""
    done, seal = (request.query_params.get(name, "") for name in ("done", "by"))
    is_ours = hmac.compare_digest(seal.encode(), signed_in.seal(request.url.path, done).encode())
    return done if is_ours or done == NOT_SENT else ""


def go_to(path: str, signed_in: SignedIn | None = None, done: str = "") -> RedirectResponse:
    """After a form: the page to look at next, which says that `done` was done. `path` is one of ours."""
    said = f"?done={done}&by={signed_in.seal(path, done)}" if signed_in is not None and done else ""
    return RedirectResponse(f"{path}{said}", HTTPStatus.SEE_OTHER, headers=SECURITY)
