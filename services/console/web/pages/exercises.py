"""Exercises: those that run, and a form that starts one."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console.acts.exercises import ExerciseService, Started
from services.console.policy.acts import REASON
from services.console.policy.answers import Answers, Fault, Faults, Field, Kind
from services.console.policy.permits import May
from services.console.web.queries import Reading
from services.console.web.session import SessionGuard, SignedIn, id_of
from services.console.web.templates import Templates, go_to
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ExercisePages:
    reading: Reading
    exercising: ExerciseService
    door: SessionGuard
    look: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/exercise", self.shows, methods=["GET"], include_in_schema=False)
        app.add_api_route("/exercise", self.starts, methods=["POST"], include_in_schema=False)
        app.add_api_route("/parts/exercise", self.running, methods=["GET"], include_in_schema=False)

    async def shows(self, request: Request, done: str = "") -> Response:
        here = await self.door.require(request)
        return await self._page(request, here, {"act": str(uuid4())}, {}, done)

    async def running(self, request: Request) -> Response:
        """The list alone: whoever fills in the form below it keeps what they have typed."""
        here = await self.door.require(request, following=True)
        shown: dict[str, object] = {"running": await self.reading.exercises(here.operator.authority)}
        return self.look.page(request, "_exercises.html", shown, here=here.operator)

    async def starts(self, request: Request) -> Response:
        here, form = await self.door.enter_with_form(request, May.EXERCISE)
        areas = await self.exercising.areas(here.operator)
        area = Field("area", Kind.CHOICE, choices=tuple(f"{authority} {force}" for authority, force in areas))
        try:
            answers = Answers.read(id_of(form), [area, REASON], form, self.look.clocks.story())
        except Faults as faults:
            return await self._page(request, here, form, faults.by_field)
        authority, force = answers.chosen["area"].split(" ")
        started = await self.exercising.start(here.operator, answers.act, authority, force, answers.said["reason"])
        if started is Started.NO_SUCH_AREA:
            return await self._page(request, here, form, {"area": Fault.NOT_OFFERED})
        return go_to(f"/exercise?done={OperatorAct.EXERCISE_STARTED}")

    async def _page(
        self, request: Request, here: SignedIn, form: Mapping[str, str], faults: Mapping[str, Fault], done: str = ""
    ) -> Response:
        shown: dict[str, object] = {
            "asks": (REASON,),
            "areas": await self.exercising.areas(here.operator),
            "running": await self.reading.exercises(here.operator.authority),
            "form": form,
            "faults": faults,
            "done": done,
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
        return self.look.page(request, "exercise.html", shown, here=here.operator, csrf=here.csrf, status=status)
