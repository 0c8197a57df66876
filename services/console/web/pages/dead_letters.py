"""Lists the dead letters, and gives one of them another try."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.acts.redrive import DeadLetterRedrive, RedriveResult
from services.console.policy.acts import REASON
from services.console.policy.permits import May
from services.console.web.pages.overview import SENT_TO_SIGN_IN, SIGNED_OUT
from services.console.web.queries import PageQueries
from services.console.web.session import SessionGuard, SignedIn, act_of, require_every_authority
from services.console.web.templates import Templates, go_to
from services.safeguarding.deeds.answers import Answers, Fault, Faults
from services.safeguarding.operators import OperatorAct

UNKNOWN = "no-letter"


@dataclass(frozen=True)
class DeadLetterPages:
    queries: PageQueries
    service: DeadLetterRedrive
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/dead-letters", self.show, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)
        app.add_api_route("/parts/dead-letters", self.show_part, response_class=HTMLResponse, responses=SIGNED_OUT)
        path = "/dead-letters/{letter}/acts/dead-letter-redriven"
        app.add_api_route(path, self.ask, methods=["GET"], include_in_schema=False)
        app.add_api_route(path, self.redrive, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request) -> Response:
        signed_in = require_every_authority(await self.guard.require(request), UNKNOWN)
        return self.templates.page(request, "letters.html", await self.queries.dead_letters(), signed_in)

    async def show_part(self, request: Request) -> Response:
        signed_in = require_every_authority(await self.guard.require(request, following=True), UNKNOWN)
        return self.templates.page(request, "_letters.html", await self.queries.dead_letters(), signed_in)

    async def ask(self, request: Request, letter: UUID) -> Response:
        signed_in = require_every_authority(await self.guard.require(request, May.SEND_AGAIN), UNKNOWN)
        await self._require_known(letter)
        return self._form(request, signed_in, {"act": str(uuid4())}, {})

    async def redrive(self, request: Request, letter: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.SEND_AGAIN)
        require_every_authority(signed_in, UNKNOWN)
        await self._require_known(letter)
        try:
            answers = Answers.read(act_of(form), [REASON], form, self.templates.clocks.story())
        except Faults as faults:
            return self._form(request, signed_in, form, faults.by_field)
        result = await self.service.redrive(signed_in.operator, letter, answers.act, answers.said["reason"])
        if result is RedriveResult.DONE:
            return go_to("/dead-letters", signed_in, OperatorAct.DEAD_LETTER_REDRIVEN)
        status = HTTPStatus.GONE if result is RedriveResult.NO_LONGER_KEPT else HTTPStatus.SERVICE_UNAVAILABLE
        return self.templates.page(request, "not-redriven.html", {"result": result.name}, signed_in, status=status)

    async def _require_known(self, letter: UUID) -> None:
        if not await self.service.is_known(letter):
            raise HTTPException(HTTPStatus.NOT_FOUND, UNKNOWN)

    def _form(
        self, request: Request, signed_in: SignedIn, form: Mapping[str, str], faults: Mapping[str, Fault]
    ) -> Response:
        what = OperatorAct.DEAD_LETTER_REDRIVEN
        shown = {"what": what, "asks": (REASON,), "form": form, "back": "/dead-letters"}
        return self.templates.form(request, "act.html", shown, signed_in, faults)
