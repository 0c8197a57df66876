"""Serves the duty desk's forms beside a case's own: a report for a caller, exercises, dead letters, and the name of
another authority's child in an emergency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.authorities import ExerciseService
from services.console.acts.desk import BreakGlassService, DeadLetterRedrive, NotLive, RedriveResult, ReportService
from services.console.policy.access import May, Operator
from services.console.policy.acts import REASON
from services.console.web.pages.overview import PAGE, PART
from services.console.web.queries import PageQueries
from services.console.web.session import SignedIn, require_every_authority
from services.console.web.templates import Pages, go_to
from services.platform.runtime.http.problems import Problem
from services.safeguarding.deeds import Fault, Faults, Field, Kind
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


UNKNOWN = "no-letter"
WHAT = OperatorAct.DEAD_LETTER_REDRIVEN
BACK = {"back": "/dead-letters"}


@dataclass(frozen=True)
class DeadLetterPages(Pages):
    queries: PageQueries
    service: DeadLetterRedrive

    def mount(self, app: FastAPI) -> None:
        for path, template, about in (
            ("/dead-letters", "letters.html", PAGE | {"name": "show"}),
            ("/parts/dead-letters", "_letters.html", PART | {"name": "show_part"}),
        ):
            app.add_api_route(path, self.list_page(template, self._letters), **about)
        path = f"/dead-letters/{{letter}}/acts/{WHAT}"
        app.add_api_route(path, self.ask, methods=["GET"], include_in_schema=False)
        app.add_api_route(path, self.redrive, methods=["POST"], include_in_schema=False)

    async def _letters(self, operator: Operator) -> dict[str, object]:
        require_every_authority(operator, UNKNOWN)
        return await self.queries.dead_letters()

    async def ask(self, request: Request, letter: UUID) -> Response:
        signed_in = await self.guard.require(request, May.SEND_AGAIN)
        await self._require_known(signed_in.operator, letter)
        return self.templates.form(request, signed_in, WHAT, (REASON,), shown=BACK)

    async def redrive(self, request: Request, letter: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.SEND_AGAIN)
        await self._require_known(signed_in.operator, letter)
        try:
            answers = self.read(form, [REASON])
        except Faults as faults:
            return self.templates.form(request, signed_in, WHAT, (REASON,), form, faults.by_field, shown=BACK)
        result = await self.service.redrive(signed_in.operator, letter, answers.act, answers.said["reason"])
        if result is RedriveResult.DONE:
            return go_to("/dead-letters", signed_in, WHAT)
        status = HTTPStatus.GONE if result is RedriveResult.NO_LONGER_KEPT else HTTPStatus.SERVICE_UNAVAILABLE
        return self.templates.page(request, "not-redriven.html", {"result": result.name}, signed_in, status=status)

    async def _require_known(self, operator: Operator, letter: UUID) -> None:
        require_every_authority(operator, UNKNOWN)
        if not await self.service.is_known(letter):
            raise HTTPException(HTTPStatus.NOT_FOUND, UNKNOWN)


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
