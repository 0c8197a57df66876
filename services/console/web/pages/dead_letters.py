"""Lists the dead letters, and gives one of them another try."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.acts.redrive import DeadLetterRedrive, RedriveResult
from services.console.policy.acts import REASON
from services.console.policy.permits import May, Operator
from services.console.web.pages.overview import PAGE, PART
from services.console.web.queries import PageQueries
from services.console.web.session import require_every_authority
from services.console.web.templates import Pages, go_to
from services.safeguarding.deeds import Faults
from services.safeguarding.operators import OperatorAct

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
