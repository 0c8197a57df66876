"""Serves the form by which somebody on duty reports a child for a caller."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.reports import NotLive, ReportService
from services.console.policy.permits import May
from services.console.web.templates import Pages, go_to
from services.platform.runtime.http.problems import Problem
from services.safeguarding.deeds import Faults
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ReportPages(Pages):
    service: ReportService

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/report", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/report", self.report, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.RECORD)
        return self.templates.form(
            request, signed_in, OperatorAct.REPORTED, await self.service.asks(signed_in.operator)
        )

    async def report(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.RECORD)
        asks = await self.service.asks(signed_in.operator)
        try:
            is_new = await self.service.report(signed_in.operator, self.read(form, asks))
        except Faults as faults:
            return self.templates.form(request, signed_in, OperatorAct.REPORTED, asks, form, faults.by_field)
        except NotLive:
            detail = "This authority is not live yet, so nobody was told. Ring police and your duty team now."
            raise Problem(HTTPStatus.CONFLICT, "Not live yet", detail) from None
        return go_to("/report", signed_in, f"{'' if is_new else 'again-'}{OperatorAct.REPORTED}")
