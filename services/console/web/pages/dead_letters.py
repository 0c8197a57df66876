"""Dead letters: what services could not work on, and why; and another try for one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from services.console.acts.redrive import DeadLetterRedrive, Redriven
from services.console.policy.acts import REASON
from services.console.policy.answers import Answers, Fault, Faults
from services.console.policy.permits import May
from services.console.web.pages.overview import SENT_TO_SIGN_IN, SIGNED_OUT
from services.console.web.queries import Reading
from services.console.web.session import SessionGuard, SignedIn, id_of
from services.console.web.templates import Templates, go_to
from services.safeguarding.operators import OperatorAct


def _of_every_authority(here: SignedIn) -> SignedIn:
    """A dead letter may be any authority's: nobody who sees one alone is shown that there is one."""
    if not here.operator.sees(None):
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-letter")
    return here


@dataclass(frozen=True)
class LettersPages:
    reading: Reading
    redriving: DeadLetterRedrive
    door: SessionGuard
    look: Templates

    def mount(self, app: FastAPI) -> None:
        app.add_api_route("/dead-letters", self.shows, response_class=HTMLResponse, responses=SENT_TO_SIGN_IN)
        app.add_api_route("/parts/dead-letters", self.listed, response_class=HTMLResponse, responses=SIGNED_OUT)
        path = "/dead-letters/{letter}/acts/dead-letter-redriven"
        app.add_api_route(path, self.asks, methods=["GET"], include_in_schema=False)
        app.add_api_route(path, self.redrives, methods=["POST"], include_in_schema=False)

    async def shows(self, request: Request, done: str = "") -> Response:
        here = _of_every_authority(await self.door.require(request))
        shown = await self.reading.dead_letters() | {"done": done}
        return self.look.page(request, "letters.html", shown, here=here.operator, csrf=here.csrf)

    async def listed(self, request: Request) -> Response:
        here = _of_every_authority(await self.door.require(request, following=True))
        return self.look.page(request, "_letters.html", await self.reading.dead_letters(), here=here.operator)

    async def asks(self, request: Request, letter: UUID) -> Response:
        here = _of_every_authority(await self.door.require(request, May.SEND_AGAIN))
        await self._must_know(letter)
        return self._form(request, here, {"act": str(uuid4())}, {})

    async def redrives(self, request: Request, letter: UUID) -> Response:
        here, form = await self.door.enter_with_form(request, May.SEND_AGAIN)
        _of_every_authority(here)
        await self._must_know(letter)
        try:
            answers = Answers.read(id_of(form), [REASON], form, self.look.clocks.story())
        except Faults as faults:
            return self._form(request, here, form, faults.by_field)
        result = await self.redriving.redrive(here.operator, letter, answers.act, answers.said["reason"])
        if result is Redriven.DONE:
            return go_to(f"/dead-letters?done={OperatorAct.DEAD_LETTER_REDRIVEN}")
        status = HTTPStatus.GONE if result is Redriven.NO_LONGER_KEPT else HTTPStatus.SERVICE_UNAVAILABLE
        shown: dict[str, object] = {"result": result.name}
        return self.look.page(request, "not-redriven.html", shown, here=here.operator, csrf=here.csrf, status=status)

    async def _must_know(self, letter: UUID) -> None:
        if not await self.redriving.known(letter):
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-letter")

    def _form(self, request: Request, here: SignedIn, form: Mapping[str, str], faults: Mapping[str, Fault]) -> Response:
        shown: dict[str, object] = {
            "what": OperatorAct.DEAD_LETTER_REDRIVEN,
            "asks": (REASON,),
            "about": None,
            "form": form,
            "faults": faults,
            "back": "/dead-letters",
        }
        status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
        return self.look.page(request, "act.html", shown, here=here.operator, csrf=here.csrf, status=status)
