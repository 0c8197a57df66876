"""Serves the console's pages. They work without JavaScript, and follow changes with a few lines of it. All but the
sign-in page need a session.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from services.console.acts.desk import BreakGlassService, DeadLetterRedrive, ExerciseService, ReportService
from services.console.acts.service import ActService
from services.console.settings import ConsoleSettings
from services.console.web.pages.child import ChildPages, ChildQueries
from services.console.web.pages.desk import ActPages, BreakGlassPages, DeadLetterPages, ExercisePages, ReportPages
from services.console.web.pages.overview import Changes, OverviewPages, PageQueries
from services.console.web.pages.shift import ShiftPages, ShiftQueries
from services.console.web.pages.sign_in import AccountPages, SignInPages
from services.console.web.session import SEEN, AskedFirst, SessionGuard, ShownFirst, SignedOut, read_our_form
from services.console.web.templates import OVER_HTTPS, SECURITY, SecurityHeaders, Templates, go_to
from services.platform.bus.connection import Connection
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import RETRY_AFTER_SECONDS, Problem
from services.platform.store.engine import OF_DATABASE, is_transient
from services.platform.store.unit_of_work import Store

STATIC = Path(__file__).parents[1] / "static"
Guest: TypeAlias = Callable[[FastAPI, SessionGuard, Templates, ConsoleSettings], None]
"""Mounts pages of an option, with the same guard and templates."""


def pages(
    store: Store, clocks: Clocks, changes: Changes, settings: ConsoleSettings, guests: Sequence[Guest] = ()
) -> FastAPI:
    store = store.walled(SEEN.get)
    app = FastAPI(title="Safe Return console", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders, headers=SECURITY if settings.sandbox else SECURITY | OVER_HTTPS)
    app.mount("/static", StaticFiles(directory=STATIC))
    templates = Templates(clocks, sandbox=settings.sandbox)
    guard = SessionGuard(store, clocks, settings.session_limits, secure=not settings.sandbox)
    backing = store, clocks, settings.keyring
    queries = PageQueries(*backing)
    for mount in guests:  # first: an option may show more than the core does at one of its paths
        mount(app, guard, templates, settings)
    for each in (
        SignInPages(guard, templates),
        BreakGlassPages(guard, templates, BreakGlassService(*backing)),
        AccountPages(guard, templates),
        ChildPages(guard, templates, ChildQueries(*backing)),
        OverviewPages(guard, templates, queries, changes),
        ActPages(guard, templates, ActService(*backing)),
        ReportPages(guard, templates, ReportService(*backing)),
        ExercisePages(guard, templates, queries, ExerciseService(*backing)),
        ShiftPages(guard, templates, ShiftQueries(*backing)),
        DeadLetterPages(guard, templates, queries, DeadLetterRedrive(*backing, Connection(settings))),
    ):
        each.mount(app)
    app.state.has_way_in = templates.takes_passwords or bool(templates.providers)
    _answer_errors(app, templates)
    return app


def _answer_errors(app: FastAPI, templates: Templates) -> None:
    async def answer_signed_out(request: Request, error: Exception) -> Response:
        if isinstance(error, SignedOut) and error.following:
            said = "Ask again." if error.asks else "Signed out."
            return HTMLResponse(said, HTTPStatus.UNAUTHORIZED)
        then = request.url.path if request.method == "GET" else "/"
        return go_to(f"/sign-in?then={quote(then)}")

    async def answer_shown_first(_request: Request, error: Exception) -> Response:
        return go_to(error.path if isinstance(error, ShownFirst) else "/")

    async def answer_asked_first(request: Request, error: Any) -> Response:
        shown = {"ask": error.path, "fields": await read_our_form(request, error.signed_in.csrf)}
        return templates.page(error.signed_in, "ask.html", shown, status=HTTPStatus.CONFLICT)

    async def answer_problem(request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        status = error.status if isinstance(error, Problem) else status
        why = str(error.detail) if isinstance(error, HTTPException) else ""
        detail = error.detail if isinstance(error, Problem) else ""
        answer = templates.page(
            request, "problem.html", {"status": int(status), "why": why, "detail": detail}, status=status
        )
        answer.headers.update((error.headers if isinstance(error, HTTPException) else None) or {})
        return answer

    async def answer_database_away(request: Request, error: Exception) -> Response:
        if not is_transient(error):
            raise error
        answer = templates.page(
            request, "problem.html", {"status": 503, "why": ""}, status=HTTPStatus.SERVICE_UNAVAILABLE
        )
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer

    app.add_exception_handler(SignedOut, answer_signed_out)
    app.add_exception_handler(ShownFirst, answer_shown_first)
    app.add_exception_handler(AskedFirst, answer_asked_first)
    for transient in OF_DATABASE:
        app.add_exception_handler(transient, answer_database_away)
    for each in (HTTPException, RequestValidationError, Problem):
        app.add_exception_handler(each, answer_problem)
