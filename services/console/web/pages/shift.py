"""Serves the shift: who is on call now and how to ring them, the rota with its dates, and the forms that change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.rota import RotaService
from services.console.policy.permits import May
from services.console.policy.shift.board import SHOWN
from services.console.policy.shift.changes import CHANGE_SPECS, HAND_OVER, ChangeSpec, choices, needed_to_end
from services.console.web.session import SessionGuard, SignedIn, act_of
from services.console.web.shift_queries import ShiftQueries
from services.console.web.templates import Templates, go_to
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field
from services.safeguarding.duty.rota import RotaLine
from services.safeguarding.operators import OperatorAct

HANDED_OVER = OperatorAct.SHIFT_HANDED_OVER


@dataclass(frozen=True)
class ShiftPages:
    queries: ShiftQueries
    service: RotaService
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        for path, endpoint, method in (
            ("/shift", self.show, "GET"),
            ("/shift/acts/{act}", self.show_form, "GET"),
            ("/shift/acts/{act}", self.change, "POST"),
            ("/shift/changes/{change}/end", self.end, "POST"),
            ("/shift/hand-over", self.show_hand_over, "GET"),
            ("/shift/hand-over", self.hand_over, "POST"),
            ("/shift/hand-overs/{hand_over}/accept", self.accept, "POST"),
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
        lines = await self.service.lines(signed_in.operator)
        return self._form(request, signed_in, act, self._asked(spec.asks, lines), lines, {"act": str(uuid4())})

    async def change(self, request: Request, act: OperatorAct) -> Response:
        spec, now = _spec_of(act), self.templates.clocks.story()
        signed_in, form = await self.guard.enter_with_form(request, spec.needs)
        lines = await self.service.lines(signed_in.operator)
        asked = self._asked(spec.asks, lines)
        try:
            answers = Answers.read(act_of(form), asked, form, now)
            changes = spec.changes(answers, now)
        except Faults as faults:
            return self._form(request, signed_in, act, asked, lines, form, faults.by_field)
        await self.service.change(signed_in.operator, act, answers.act, changes, lines)
        return go_to(f"/shift?done={act}")

    async def end(self, request: Request, change: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.COVER)
        await self.service.end(signed_in.operator, act_of(form), change)
        return go_to(f"/shift?done={OperatorAct.ROTA_CHANGE_ENDED}")

    async def show_hand_over(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.COVER)
        lines = await self.service.lines(signed_in.operator)
        note = await self.queries.note(signed_in.operator.authority, self.templates.words.of)
        form = {"act": str(uuid4()), "hand_over": note}
        return self._form(request, signed_in, HANDED_OVER, self._asked(HAND_OVER, lines), lines, form)

    async def hand_over(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.COVER)
        lines = await self.service.lines(signed_in.operator)
        asked = self._asked(HAND_OVER, lines)
        try:
            answers = Answers.read(act_of(form), asked, form, self.templates.clocks.story())
        except Faults as faults:
            return self._form(request, signed_in, HANDED_OVER, asked, lines, form, faults.by_field)
        await self.service.hand_over(signed_in.operator, answers, lines)
        return go_to(f"/shift?done={HANDED_OVER}")

    async def accept(self, request: Request, hand_over: UUID) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.COVER)
        await self.service.accept(signed_in.operator, act_of(form), hand_over)
        return go_to(f"/shift?done={OperatorAct.SHIFT_ACCEPTED}")

    def _choices(self, lines: Sequence[RotaLine]) -> dict[str, dict[str, str]]:
        return choices(lines, lambda role: self.templates.words.of(role, "role"))

    def _asked(self, asks: Sequence[Field], lines: Sequence[RotaLine]) -> list[Field]:
        offered = self._choices(lines)
        return [each.offering(tuple(offered[each.name])) if each.name in offered else each for each in asks]

    def _form(
        self,
        request: Request,
        signed_in: SignedIn,
        what: OperatorAct,
        asked: Sequence[Field],
        lines: Sequence[RotaLine],
        form: Mapping[str, str],
        faults: Mapping[str, Fault] | None = None,
    ) -> Response:
        offered = {f"{name}_choices": labels for name, labels in self._choices(lines).items()}
        shown = {"what": what, "asks": asked, "offered": offered, "about": None, "back": "/shift", "form": form}
        return self.templates.form(request, "act.html", shown | {"steps": ()}, signed_in, faults or {})


def _spec_of(act: OperatorAct) -> ChangeSpec:
    if act not in CHANGE_SPECS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return CHANGE_SPECS[act]
