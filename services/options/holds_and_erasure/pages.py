"""Serves the page on which records are held for an inquiry, and somebody's are erased by two people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from services.console.policy.access import May
from services.console.web.session import SignedIn, act_of
from services.console.web.templates import Pages, go_to
from services.options.holds_and_erasure.service import DisposalService
from services.platform.store.disposal import Hindrance

MOST_OF_A_REASON = 500
ASKED = frozenset({"hold", "erase"})


@dataclass(frozen=True)
class RecordPages(Pages):
    """Whoever comes has shown of late who they are."""

    service: DisposalService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/records", self.show, self.decide)

    async def show(self, request: Request, whom: str = "") -> Response:
        signed_in = await self.guard.require(request, May.DISPOSE, proved=True)
        return await self._page(signed_in, form={"whom": whom})

    async def decide(self, request: Request) -> Response:
        signed_in, form = await self.guard.enter_with_form(request, May.DISPOSE, proved=True)
        who, act, what = signed_in.operator, act_of(form), form.get("what", "")
        reason = form.get("reason", "")[:MOST_OF_A_REASON]
        if what in {*ASKED, "end-hold"} and not reason:
            return await self._page(signed_in, fault="reason", form=form)
        hindered: Sequence[Hindrance] = ()
        if what in ASKED:
            whom = await self.service.whom(who, form.get("whom", ""), form.get("authority") or who.only_authority or "")
            if whom is None:
                return await self._page(signed_in, fault="whom", form=form)
            if what == "hold" and (whom.owner or "").startswith("person-"):
                return await self._page(signed_in, fault="person", form=form)
            does = self.service.hold if what == "hold" else self.service.ask
            hindered = await does(who, act, whom, reason)
        elif what == "end-hold":
            await self.service.end_hold(who, act, _id_of(form), reason)
        elif what == "withdraw":
            await self.service.withdraw(who, act, _id_of(form))
        elif what == "approve":
            hindered = await self.service.approve(who, act, _id_of(form))
        else:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-change")
        if hindered:
            return await self._page(signed_in, fault="hindered", form=form, hindered=hindered)
        return go_to("/records", signed_in, what)

    async def _page(
        self, signed_in: SignedIn, *, form: Mapping[str, str], fault: str = "", hindered: Sequence[Hindrance] = ()
    ) -> Response:
        shown = {"form": form, "fault": fault, "hindered": hindered, "act": uuid4()}
        return self.templates.page(signed_in, "records.html", shown | dict(await self.service.shown()))


def _id_of(form: Mapping[str, str]) -> UUID:
    try:
        return UUID(form.get("id", ""))
    except ValueError:
        raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-change") from None
