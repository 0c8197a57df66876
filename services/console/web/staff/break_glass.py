"""Serves the form by which somebody on duty is told, in an emergency, who another authority's child is."""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.break_glass import BreakGlassService
from services.console.policy.permits import May
from services.console.web.templates import Pages
from services.safeguarding.deeds import Faults
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class BreakGlassPages(Pages):
    service: BreakGlassService

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/break-glass", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/break-glass", self.reveal, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.REVEAL, proved=True)
        asks = await self.service.asks(signed_in.operator)
        return self.templates.form(request, signed_in, OperatorAct.GLASS_BROKEN, asks)

    async def reveal(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.REVEAL, proved=True)
        asks = await self.service.asks(signed_in.operator)
        try:
            answers = self.read(form, asks)
            who = await self.service.reveal(signed_in.operator, answers)
        except Faults as faults:
            return self.templates.form(request, signed_in, OperatorAct.GLASS_BROKEN, asks, form, faults.by_field)
        shown = {"who": who, "authority": answers.chosen["authority"]}
        return self.templates.page(request, "glass.html", shown, signed_in)
