"""Serves the page on which a second person sees a change of forces or agencies, and approves it or takes it back."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI, HTTPException, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from services.console.accounts import account_names, begin_session, end_session
from services.console.policy.access import May
from services.console.web.session import SignedIn, require_every_authority
from services.console.web.templates import Pages, go_to
from services.safeguarding.working_time import ENGLAND

WITHIN_SECONDS = 10
UNSET = "This console does not know where the register is (SAFE_RETURN_CASEWORK_URL): use services organisations."
UNKNOWN = "no-organisation"
AWAY = "The register cannot be reached for the moment. Nothing was changed: send it again."
MOMENT: TypeAdapter[datetime | None] = TypeAdapter(datetime | None)
MOMENTS = ("proposed_at", "effective_at", "taken_back_at")


@dataclass(frozen=True)
class OrganisationPages(Pages):
    """`casework`: where the register's door is. Only casework writes the register, and it decides who may approve."""

    casework: str | None

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/organisations", self.show)
        self.serve(app, "/organisations/{change}", sends=self.decide)

    async def show(self, request: Request) -> Response:
        signed_in = await self.guard.require(request, May.SEND_AGAIN)
        require_every_authority(signed_in.operator, UNKNOWN)
        return await self._page(signed_in)

    async def decide(self, request: Request, change: UUID) -> Response:
        """Needs a fresh proof of who presses the button."""
        signed_in, form = await self.guard.enter_with_form(request, May.SEND_AGAIN, proved=True)
        require_every_authority(signed_in.operator, UNKNOWN)
        said = {"shown": form.get("shown", "")}
        if (what := form.get("what")) == "take-back":
            said = {"reason": form.get("reason", "")}
            if not said["reason"]:
                return await self._page(signed_in, fault="Say why. Nothing was changed.")
        elif what != "approve":
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-change")
        elif form.get("at"):
            try:
                said["at"] = datetime.fromisoformat(form["at"]).replace(tzinfo=ENGLAND).isoformat()
            except ValueError:
                return await self._page(signed_in, fault="Give a day and a time. Nothing was changed.")
        status, answer = await self._ask(signed_in, "POST", f"/{change}/{what}", said)
        if status != HTTPStatus.OK:
            return await self._page(signed_in, fault=answer["detail"])
        return go_to("/organisations", signed_in, answer["done"])

    async def _page(self, signed_in: SignedIn, *, fault: str = "") -> Response:
        status, answer = await self._ask(signed_in, "GET")
        changes = answer.get("changes", [])
        for each in changes:
            each.update({name: MOMENT.validate_python(each[name]) for name in MOMENTS})
        async with self.guard.store.read() as reader:
            names = await reader.fetch(account_names())
        away = "" if status == HTTPStatus.OK else answer["detail"]
        shown = {"changes": changes, "names": names, "fault": fault or away}
        unavailable = HTTPStatus.SERVICE_UNAVAILABLE if away else None
        return self.templates.page(signed_in, "organisations.html", shown, status=unavailable)

    async def _ask(
        self, signed_in: SignedIn, method: str, path: str = "", said: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Casework's answer, by a code of theirs for this alone."""
        if self.casework is None:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"detail": UNSET}
        async with self.guard.store.transaction() as uow:
            who, now = signed_in.operator.account, self.guard.clocks.wall()
            code = begin_session(uow, who, now, for_command=True)
        bearer = {"authorization": f"Bearer {code}", "content-type": "application/x-www-form-urlencoded"}
        try:
            async with httpx.AsyncClient(timeout=WITHIN_SECONDS, headers=bearer, trust_env=False) as client:
                answer = await client.request(method, f"{self.casework}/organisations/changes{path}", data=said)
            return answer.status_code, dict(answer.json())
        except (httpx.HTTPError, ValueError):
            return HTTPStatus.SERVICE_UNAVAILABLE, {"detail": AWAY}
        finally:
            async with self.guard.store.transaction() as uow:
                end_session(uow, code)
