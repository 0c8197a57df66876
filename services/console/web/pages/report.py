"""Serves the form by which somebody on duty reports a child for a caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.reports import NotLive, ReportService
from services.console.policy.permits import May
from services.console.web.session import SessionGuard, SignedIn, act_of
from services.console.web.templates import Templates, go_to
from services.platform.runtime.http.problems import Problem
from services.safeguarding.deeds.answers import Answers, Fault, Faults
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ReportPages:
    service: ReportService
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/report", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/report", self.report, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.RECORD)
        return await self._form(request, signed_in, {"act": str(uuid4())}, {})

    async def report(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.RECORD)
        operator, now = signed_in.operator, self.templates.clocks.story()
        try:
            answers = Answers.read(act_of(form), await self.service.asks(operator), form, now)
            is_new = await self.service.report(operator, answers)
        except Faults as faults:
            return await self._form(request, signed_in, form, faults.by_field)
        except NotLive:
            detail = "This authority is not live yet, so nobody was told. Ring police and your duty team now."
            raise Problem(HTTPStatus.CONFLICT, "Not live yet", detail) from None
        return go_to("/report", signed_in, f"{'' if is_new else 'again-'}{OperatorAct.REPORTED}")

    async def _form(
        self,
        request: Request,
        signed_in: SignedIn,
        form: Mapping[str, str],
        faults: Mapping[str, Fault],
    ) -> Response:
        asks = await self.service.asks(signed_in.operator)
        shown = {"what": OperatorAct.REPORTED, "asks": asks, "back": "/", "form": form}
        return self.templates.form(request, "act.html", shown, signed_in, faults)
