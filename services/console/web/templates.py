"""Renders every page: its template, the signed-in operator, and the headers that keep it private."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.templating import Jinja2Templates
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as StarletteMessage

from services.console.policy.permits import May, Operator
from services.console.web.filters import PAGES, environment
from services.console.web.session import SessionGuard, SignedIn, act_of
from services.console.web.wording import Words
from services.platform.runtime.clocks import Clocks
from services.safeguarding.deeds import Answers, Fault, Field
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed

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
            "unanswered_since": None if signed_in is None else signed_in.session.unanswered_since,
            "csrf": csrf if signed_in is None else signed_in.csrf,
            "May": May,
            "done": "" if signed_in is None else _done(request, signed_in),
        }
        return self._templates.TemplateResponse(request, name, {**context, **shown}, status_code=status)

    def form(
        self,
        request: Request,
        signed_in: SignedIn,
        what: OperatorAct | Deed,
        asks: Sequence[Field],
        answers: Mapping[str, str] | None = None,
        faults: Mapping[str, Fault] | None = None,
        *,
        name: str = "act.html",
        shown: Mapping[str, object] | None = None,
    ) -> Response:
        """A page with the form of an act: a new one, or the last answers with their faults. Most are about no episode
        and no telling.
        """
        about: dict[str, object] = {"about": None, "steps": (), "back": "/", "what": what, "asks": asks}
        about |= {"form": {"act": str(uuid4())} | dict(answers or {}), "faults": faults or {}}
        return self.page(request, name, about | dict(shown or {}), signed_in)


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
    return RedirectResponse(f"{path}{said}", HTTPStatus.SEE_OTHER)


@dataclass(frozen=True)
class Pages:
    """Of one section of the console."""

    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        raise NotImplementedError

    def list_page(
        self, template: str, query: Callable[[Operator], Awaitable[Mapping[str, object]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """A page, or its changing part, that shows what `query` reads for whoever is signed in."""

        async def show(request: Request) -> Response:
            signed_in = await self.guard.require(request)
            return self.templates.page(request, template, await query(signed_in.operator), signed_in)

        return show

    def read(self, form: Mapping[str, str], asks: Iterable[Field]) -> Answers:
        """Raises Faults, and HTTPException as `act_of`."""
        return Answers.read(act_of(form), asks, form, self.templates.clocks.story())
