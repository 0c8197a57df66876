"""Serves the form that asks for all that is held about a person, and the answer: a page to print, or JSON."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.policy.acts import REASON
from services.console.policy.permits import May
from services.console.settings import ConsoleSettings
from services.console.web.session import SessionGuard
from services.console.web.templates import SECURITY, Pages, Templates
from services.holdings.subject_access import SubjectAccess
from services.safeguarding.deeds import Faults, Field, Kind
from services.safeguarding.operators import OperatorAct

PAGES = Path(__file__).parent / "pages"
ASKS = (Field("copy", Kind.CHOICE, choices=("page", "file")), REASON)
WITH_PICTURE = {"Content-Security-Policy": SECURITY["Content-Security-Policy"].replace("img-src", "img-src data:")}


def mount(app: FastAPI, guard: SessionGuard, templates: Templates, settings: ConsoleSettings) -> None:
    """Into the console, as its other pages."""
    templates.add(PAGES)
    access = SubjectAccess(guard.store, guard.clocks, settings.keyring)
    SubjectAccessPages(guard, templates, access).mount(app)


@dataclass(frozen=True)
class SubjectAccessPages(Pages):
    access: SubjectAccess

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/subject-access/{subject}", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/subject-access/{subject}", self.give, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request, subject: str) -> Response:
        signed_in = await self.guard.require(request, May.DISCLOSE, proved=True)
        if not await self.access.sees(signed_in.operator, subject):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        return self.templates.form(request, signed_in, OperatorAct.SUBJECT_ACCESS_GIVEN, ASKS, {"copy": "page"})

    async def give(self, request: Request, subject: str) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.DISCLOSE, proved=True)
        try:
            answers = self.read(form, ASKS)
        except Faults as faults:
            what = OperatorAct.SUBJECT_ACCESS_GIVEN
            return self.templates.form(request, signed_in, what, ASKS, form, faults.by_field)
        pack = await self.access.give(signed_in.operator, subject, answers.act, answers.said[REASON.name])
        if pack is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        if answers.chosen["copy"] == "file":
            as_file = {"Content-Disposition": 'attachment; filename="subject-access.json"'}
            return Response(pack.as_json(), media_type="application/json", headers=as_file)
        answer = self.templates.page(request, "subject-access.html", {"pack": pack}, signed_in)
        answer.headers.update(WITH_PICTURE)
        return answer
