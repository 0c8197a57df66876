"""The console's pages. Whole without JavaScript; live with a few lines of it. Nobody sees one without having signed in."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, Response

from services.console.acts.exercises import ExerciseService
from services.console.acts.redrive import DeadLetterRedrive
from services.console.acts.service import ActService
from services.console.settings import ConsoleSettings
from services.console.web.changes import Changes
from services.console.web.pages.acts import ActingPages
from services.console.web.pages.dead_letters import LettersPages
from services.console.web.pages.directory import DirectoryPages
from services.console.web.pages.exercises import ExercisePages
from services.console.web.pages.overview import ReadingPages
from services.console.web.pages.sign_in import SigningIn
from services.console.web.queries import Reading
from services.console.web.session import SessionGuard, SignedOut
from services.console.web.templates import OVER_HTTPS, SECURITY, Guarded, Templates, go_to
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import RETRY_AFTER_SECONDS, Problem
from services.platform.store.transient_errors import OF_DATABASE, is_transient
from services.platform.store.unit_of_work import Store

STATIC = Path(__file__).parents[1] / "static"


Guest: TypeAlias = Callable[[FastAPI, SessionGuard, Templates, ConsoleSettings], None]
"""Mounts pages that stand above the services, behind the same door and in the same look."""


def pages(
    store: Store, clocks: Clocks, changes: Changes, settings: ConsoleSettings, guests: Sequence[Guest] = ()
) -> FastAPI:
    app = FastAPI(title="Safe Return console", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guarded, headers=SECURITY if settings.sandbox else SECURITY | OVER_HTTPS)
    app.mount("/static", StaticFiles(directory=STATIC))
    look = Templates(clocks, sandbox=settings.sandbox)
    door = SessionGuard(store, clocks, settings.lasting, secure=not settings.sandbox)
    reading = Reading(store, clocks, settings.keyring)
    SigningIn(door, look).mount(app)
    ReadingPages(reading, door, look, changes).mount(app)
    keyring = settings.keyring
    ActingPages(ActService(store, clocks, keyring), door, look).mount(app)
    ExercisePages(reading, ExerciseService(store, clocks, keyring), door, look).mount(app)
    DirectoryPages(reading, door, look).mount(app)
    LettersPages(reading, DeadLetterRedrive(store, clocks, keyring, settings.kafka), door, look).mount(app)
    for mount in guests:
        mount(app, door, look, settings)

    async def signed_out(request: Request, error: Exception) -> Response:
        if isinstance(error, SignedOut) and error.following:
            return HTMLResponse("Signed out.", HTTPStatus.UNAUTHORIZED, headers=SECURITY)
        then = request.url.path if request.method == "GET" else "/"
        return go_to(f"/sign-in?then={quote(then)}")

    async def problem(request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        status = error.status if isinstance(error, Problem) else status
        why = str(error.detail) if isinstance(error, HTTPException) else ""
        detail = error.detail if isinstance(error, Problem) else ""
        shown: dict[str, object] = {"status": int(status), "why": why, "detail": detail}
        return look.page(request, "problem.html", shown, status=status)

    async def away(request: Request, error: Exception) -> Response:
        if not is_transient(error):
            raise error
        shown = look.page(request, "problem.html", {"status": 503, "why": ""}, status=HTTPStatus.SERVICE_UNAVAILABLE)
        shown.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return shown

    app.add_exception_handler(SignedOut, signed_out)
    for passing in OF_DATABASE:
        app.add_exception_handler(passing, away)
    for each in (HTTPException, RequestValidationError, Problem):
        app.add_exception_handler(each, problem)
    return app
