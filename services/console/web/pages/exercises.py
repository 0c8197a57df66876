"""Lists the exercises under way, with a form that starts another."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.exercises import ExerciseService
from services.console.policy.acts import REASON
from services.console.policy.permits import May
from services.console.web.queries import PageQueries
from services.console.web.session import SignedIn
from services.console.web.templates import Pages, go_to
from services.safeguarding.deeds import Fault, Faults, Field, Kind
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ExercisePages(Pages):
    queries: PageQueries
    service: ExerciseService

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/exercise", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/exercise", self.start, methods=["POST"], include_in_schema=False)
        app.add_api_route("/parts/exercise", self.show_part, methods=["GET"], include_in_schema=False)

    async def show(self, request: Request) -> Response:
        return await self._page(request, await self.guard.require(request))

    async def show_part(self, request: Request) -> Response:
        """The list alone, so that a form half filled in keeps its text."""
        signed_in = await self.guard.require(request)
        shown = {"running": await self.queries.exercises(signed_in.operator.scope)}
        return self.templates.page(request, "_exercises.html", shown, signed_in)

    async def start(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.EXERCISE)
        areas = await self.service.areas(signed_in.operator)
        area = Field("area", Kind.CHOICE, choices=tuple(f"{authority} {force}" for authority, force in areas))
        try:
            answers = self.read(form, [area, REASON])
        except Faults as faults:
            return await self._page(request, signed_in, form, faults.by_field)
        authority, force = answers.chosen["area"].split(" ")
        if not await self.service.start(signed_in.operator, answers.act, authority, force, answers.said["reason"]):
            return await self._page(request, signed_in, form, {"area": Fault.NOT_OFFERED})
        return go_to("/exercise", signed_in, OperatorAct.EXERCISE_STARTED)

    async def _page(
        self,
        request: Request,
        signed_in: SignedIn,
        form: Mapping[str, str] | None = None,
        faults: Mapping[str, Fault] | None = None,
    ) -> Response:
        areas = await self.service.areas(signed_in.operator)
        running = await self.queries.exercises(signed_in.operator.scope)
        shown, what = {"areas": areas, "running": running}, OperatorAct.EXERCISE_STARTED
        return self.templates.form(request, signed_in, what, (REASON,), form, faults, name="exercise.html", shown=shown)
