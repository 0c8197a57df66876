"""Serves the shift: who is on call now and how to ring them, the rota with its dates, and the forms that change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.rota import RotaService
from services.console.policy.permits import May
from services.console.policy.shift.board import SHOWN
from services.console.policy.shift.changes import CHANGE_SPECS, ChangeSpec, choices, needed_to_end
from services.console.web.queries import PageQueries
from services.console.web.session import SessionGuard, SignedIn, act_of
from services.console.web.templates import Templates, go_to
from services.safeguarding.deeds.answers import Answers, Fault, Faults
from services.safeguarding.duty.rota import RotaLine
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ShiftPages:
    queries: PageQueries
    service: RotaService
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        for path, endpoint, method in (
            ("/shift", self.show, "GET"),
            ("/shift/acts/{act}", self.show_form, "GET"),
            ("/shift/acts/{act}", self.change, "POST"),
            ("/shift/changes/{change}/end", self.end, "POST"),
        ):
            app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

    async def show(self, request: Request, done: str = "") -> Response:
        signed_in = await self.guard.require(request)
        acts = [each for each in CHANGE_SPECS.values() if signed_in.operator.may(each.needs)]
        shown = await self.queries.shift(signed_in.operator) | {
            "done": done,
            "acts": acts,
            "days": SHOWN.days,
            "new_act": uuid4,
            "needed_to_end": needed_to_end,
        }
        return self.templates.page(request, "shift.html", shown, signed_in)

    async def show_form(self, request: Request, act: OperatorAct) -> Response:
        spec = _spec_of(act)
        signed_in = await self.guard.require(request, spec.needs)
        return self._form(request, signed_in, spec, await self.service.lines(signed_in.operator), {"act": str(uuid4())})

    async def change(self, request: Request, act: OperatorAct) -> Response:
        spec, now = _spec_of(act), self.templates.clocks.story()
        signed_in, form = await self.guard.enter_with_form(request, spec.needs)
        lines = await self.service.lines(signed_in.operator)
        offered = self._choices(lines)
        asked = [each.offering(tuple(offered.get(each.name, ()))) for each in spec.asks]
        try:
            answers = Answers.read(act_of(form), asked, form, now)
            changes = spec.changes(answers, now)
        except Faults as faults:
            return self._form(request, signed_in, spec, lines, form, faults.by_field)
        await self.service.change(signed_in.operator, act, answers.act, changes, lines)
        return go_to(f"/shift?done={act}")

    async def end(self, request: Request, change: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.COVER)
        await self.service.end(signed_in.operator, act_of(form), change)
        return go_to(f"/shift?done={OperatorAct.ROTA_CHANGE_ENDED}")

    def _choices(self, lines: list[RotaLine]) -> dict[str, dict[str, str]]:
        return choices(lines, lambda role: self.templates.words.of(role, "role"))

    def _form(
        self,
        request: Request,
        signed_in: SignedIn,
        spec: ChangeSpec,
        lines: list[RotaLine],
        form: Mapping[str, str],
        faults: Mapping[str, Fault] | None = None,
    ) -> Response:
        offered = self._choices(lines)
        shown = {
            "what": spec.act,
            "asks": [each.offering(tuple(offered.get(each.name, ()))) for each in spec.asks],
            "offered": {f"{name}_choices": labels for name, labels in offered.items()},
            "about": None,
            "back": "/shift",
            "form": form,
            "steps": (),
        }
        return self.templates.form(request, "act.html", shown, signed_in, faults or {})


def _spec_of(act: OperatorAct) -> ChangeSpec:
    if act not in CHANGE_SPECS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return CHANGE_SPECS[act]
