"""Serves the form that asks for all that is held about a person, and the answer: a page to print, or JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.policy.acts import REASON
from services.console.policy.permits import May
from services.console.settings import ConsoleSettings
from services.console.web.session import SessionGuard, SignedIn, act_of, require_text
from services.console.web.templates import SECURITY, Templates
from services.holdings.subject_access import SubjectAccess
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field, Kind
from services.safeguarding.operators import OperatorAct

PAGES = Path(__file__).parent / "pages"
ASKS = (Field("copy", Kind.CHOICE, choices=("page", "file")), REASON)
WITH_PICTURE = {"Content-Security-Policy": SECURITY["Content-Security-Policy"].replace("img-src", "img-src data:")}


def mount(app: FastAPI, guard: SessionGuard, templates: Templates, settings: ConsoleSettings) -> None:
    """Into the console, as its other pages."""
    templates.add(PAGES)
    access = SubjectAccess(guard.store, guard.clocks, settings.keyring)
    SubjectAccessPages(access, guard, templates).mount(app)


@dataclass(frozen=True)
class SubjectAccessPages:
    access: SubjectAccess
    guard: SessionGuard
    templates: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/subject-access/{subject}", self.show, methods=["GET"], include_in_schema=False)
        app.add_api_route("/subject-access/{subject}", self.give, methods=["POST"], include_in_schema=False)

    async def show(self, request: Request, subject: str) -> Response:
        signed_in = await self.guard.require(request, May.DISCLOSE, proved=True)
        require_text("subject", subject)
        if not await self.access.sees(signed_in.operator, subject):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        return self._form(request, signed_in, {"act": str(uuid4()), "copy": "page"}, {})

    async def give(self, request: Request, subject: str) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.DISCLOSE, proved=True)
        require_text("subject", subject)
        try:
            answers = Answers.read(act_of(form), ASKS, form, self.templates.clocks.story())
        except Faults as faults:
            return self._form(request, signed_in, form, faults.by_field)
        pack = await self.access.give(signed_in.operator, subject, answers.act, answers.said[REASON.name])
        if pack is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-child")
        if answers.chosen["copy"] == "file":
            as_file = {"Content-Disposition": 'attachment; filename="subject-access.json"'}
            return Response(pack.as_json(), media_type="application/json", headers=SECURITY | as_file)
        answer = self.templates.page(request, "subject-access.html", {"pack": pack}, signed_in)
        answer.headers.update(WITH_PICTURE)
        return answer

    def _form(
        self, request: Request, signed_in: SignedIn, form: Mapping[str, str], faults: Mapping[str, Fault]
    ) -> Response:
        shown = {"what": OperatorAct.SUBJECT_ACCESS_GIVEN, "asks": ASKS, "back": "/", "form": form}
        return self.templates.form(request, "act.html", shown, signed_in, faults)
