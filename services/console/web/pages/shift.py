"""Serves the shift: who is on call now and how to ring them, the rota with its dates, and the forms that change it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.rota import RotaService
from services.console.policy.permits import May
from services.console.policy.shift.acts import SHIFT_ACTS, ShiftAct, choices, may_end
from services.console.policy.shift.board import SHOWN
from services.console.web.session import SignedIn
from services.console.web.shift_queries import ShiftQueries
from services.console.web.templates import Pages, go_to
from services.platform.runtime.http.browser_form import require_text
from services.safeguarding.deeds import Fault, Faults, Field
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True)
class ShiftPages(Pages):
    queries: ShiftQueries
    service: RotaService

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/shift", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/shift/acts/{act}", self.show_form, methods=["GET"], include_in_schema=False)
        app.add_api_route("/shift/acts/{act}", self.submit, methods=["POST"], include_in_schema=False)
        app.add_api_route("/shift/calendars", self.withdraw_calendar, methods=["POST"], include_in_schema=False)
        app.add_api_route("/calendars/{authority}/{token}.ics", self.show_calendar, include_in_schema=False)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request)
        acts = [each for each in SHIFT_ACTS.values() if each.has_page and signed_in.operator.may(each.needs)]
        about = {"acts": acts, "days": SHOWN.days, "new_act": uuid4, "may_end": may_end}
        return self.templates.page(
            request, "shift.html", await self.queries.shift(signed_in.operator) | about, signed_in
        )

    async def show_calendar(self, authority: str, token: str) -> Response:
        """For a calendar that subscribes to it: its link is signed, and there is no session."""
        require_text("authority", authority)
        found = await self.queries.calendar(authority, token, self.templates.words.of)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-calendar")
        return Response(found, media_type="text/calendar; charset=utf-8")

    async def withdraw_calendar(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.CHANGE_ROTA)
        authority = form.get("authority", "")
        if not signed_in.operator.sees(authority):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-calendar")
        await self.queries.withdraw_calendar(signed_in.operator, authority, form.get("whose", ""))
        return go_to("/shift")

    async def show_form(self, request: Request, act: OperatorAct) -> Response:
        spec = _spec_of(act)
        signed_in = await self.guard.require(request, spec.needs)
        form: dict[str, str] = {}
        if act is OperatorAct.SHIFT_HANDED_OVER:
            form["hand_over"] = await self.queries.note(signed_in.operator.only_authority, self.templates.words.of)
        lines = await self.service.lines(signed_in.operator)
        offered = choices(lines, self.templates.words.of, signed_in.operator)
        return self._form(request, signed_in, spec, offered, form, {})

    async def submit(self, request: Request, act: OperatorAct) -> Response:
        spec, now = _spec_of(act), self.templates.clocks.story()
        signed_in, form = await self.guard.enter_with_form(request, spec.needs)
        lines = await self.service.lines(signed_in.operator)
        offered = choices(lines, self.templates.words.of, signed_in.operator)
        try:
            answers = self.read(form, _asks(spec, offered))
            effect = await asyncio.to_thread(spec.effect, answers, now, offered["person"])  # it may read a calendar
            if effect.calendar_of and not (effect.changes and form.get("confirmed")):
                shown = {"what": act, "form": form, "effect": effect, "names": offered["person"]}
                return self.templates.page(request, "calendar.html", shown, signed_in)
            await self.service.act(signed_in.operator, spec, answers, effect, lines)
        except Faults as faults:
            return self._form(request, signed_in, spec, offered, form, faults.by_field)
        return go_to("/shift", signed_in, act)

    def _form(
        self,
        request: Request,
        signed_in: SignedIn,
        spec: ShiftAct,
        offered: Mapping[str, Mapping[str, str]],
        form: Mapping[str, str],
        faults: Mapping[str, Fault],
    ) -> Response:
        shown: dict[str, object] = {
            "offered": {f"{name}_choices": labels for name, labels in offered.items()},
            "back": "/shift",
        }
        return self.templates.form(request, signed_in, spec.act, _asks(spec, offered), form, faults, shown=shown)


def _asks(spec: ShiftAct, offered: Mapping[str, Mapping[str, str]]) -> list[Field]:
    return [each.offering(tuple(offered.get(each.name, ()))) for each in spec.asks]


def _spec_of(act: OperatorAct) -> ShiftAct:
    if act not in SHIFT_ACTS:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-act")
    return SHIFT_ACTS[act]
