"""Serves the pages by which an authority gets from nothing to live, those on which changes of forces and agencies are
decided, and the one on which records are held for an inquiry, and somebody's are erased by two people.

Whoever administers an authority needs no shell. A second person sees each change, and approves it or takes it back.
"""

import hmac
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI, HTTPException, Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from services.console.accounts import account_names, begin_session, end_session
from services.console.acts.authorities import AuthorityService, Readiness
from services.console.acts.disposal import DisposalService
from services.console.policy.access import ALL, May
from services.console.web.session import SignedIn, act_of, require_every_authority
from services.console.web.templates import Pages, go_to
from services.platform.delivery.model import TEXT_WAYS
from services.platform.runtime.problems import REGISTER_BYTES, parse_form
from services.platform.store.disposal import Hindrance
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.working_time import ENGLAND

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


MOST_FILES = 40
ID: TypeAdapter[str] = TypeAdapter(AuthorityId)


@dataclass(frozen=True)
class AuthorityPages(Pages):
    service: AuthorityService

    def mount(self, app: FastAPI) -> None:
        self.serve(app, "/authorities", self.show_all, self.enter)
        self.serve(app, "/authorities/{authority}", self.show, self.change)
        self.serve(app, "/authorities/{authority}/files", sends=self.take_files)

    async def show_all(self, request: Request) -> Response:
        return await self._all(await self.guard.require(request, May.ADMINISTER), {})

    async def enter(self, request: Request) -> Response:
        """For whoever sees every authority."""
        signed_in, form = await self.guard.enter_with_form(request, May.ADMINISTER, proved=True)
        if not signed_in.operator.sees(None):
            raise HTTPException(HTTPStatus.FORBIDDEN, "not-of-every-authority")
        name = form.get("name", "")[:200]
        try:
            authority = ID.validate_python(form.get("id", ""))
        except ValidationError:
            authority = ALL
        if authority == ALL:  # whoever had it for an authority would see every one
            return await self._all(signed_in, {"fault": "id", "form": form})
        if fault := await self.service.enter(signed_in.operator, authority, name) if name else "name":
            return await self._all(signed_in, {"fault": fault, "form": form})
        return go_to(f"/authorities/{authority}", signed_in, "entered")

    async def show(self, request: Request, authority: str) -> Response:
        signed_in = await self.guard.require(request, May.ADMINISTER)
        return self._one(signed_in, await self._readiness(signed_in, authority), {})

    async def change(self, request: Request, authority: str) -> Response:
        """Whatever a button asks. Each needs a fresh proof of who presses it."""
        signed_in, form = await self.guard.enter_with_form(request, May.ADMINISTER, proved=True, lost="done=not-sent")
        readiness, who, what = await self._readiness(signed_in, authority), signed_in.operator, form.get("what")
        if what == "credential":
            shown = {"done": "credential", "token": await self.service.make_credential(who, authority)}
            return self._one(signed_in, await self._readiness(signed_in, authority), shown)
        if what == "undo":
            asked = self.service.undo(who, authority, form.get("import", ""))
            return await self._answer(signed_in, authority, asked)
        if what == "withdraw":
            is_done = await self.service.withdraw(who, authority, form.get("credential", ""))
        elif what == "exercise":
            is_done = await self.service.exercise(who, readiness, act_of(form)) > 0
        elif what == "numbers":
            if not who.sees(None):  # another's texts might come to the number
                raise HTTPException(HTTPStatus.FORBIDDEN, "not-of-every-authority")
            is_done = await self.service.number(who, authority, form)
        elif what == "live":
            is_done = await self.service.open(who, readiness)
        else:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-such-change")
        if not is_done:
            return self._one(signed_in, readiness, {"fault": what})
        return go_to(f"/authorities/{authority}", signed_in, what)

    async def take_files(self, request: Request, authority: str) -> Response:
        signed_in = await self.guard.require(request, May.ADMINISTER, proved=True, lost="done=not-sent")
        form = await parse_form(request, "multipart/form-data", REGISTER_BYTES, MOST_FILES)
        try:
            said = {name: value for name, value in form.items() if isinstance(value, str)}
            parts = [each for each in form.getlist("file") if isinstance(each, UploadFile)]
            files = {each.filename: await each.read() for each in parts if each.filename}
        finally:
            await form.close()
        if not hmac.compare_digest(said.get("csrf", "").encode(), signed_in.csrf.encode()):
            raise HTTPException(HTTPStatus.FORBIDDEN, "not-our-form")
        await self._readiness(signed_in, authority)
        what, mapping = said.get("what"), said.get("mapping", "").strip()
        how = {"confirm": said.get("confirm", "")} if what == "confirm" else {} if what == "import" else {"try": "yes"}
        asked = self.service.take_files(signed_in.operator, authority, mapping, files, **how)
        return await self._answer(signed_in, authority, asked, mapping)

    async def _answer(
        self, signed_in: SignedIn, authority: str, asked: Awaitable[tuple[int, dict[str, Any]]], mapping: str = ""
    ) -> Response:
        try:
            status, answer = await asked
        except (httpx.HTTPError, ValueError):
            detail = "The register did not answer. Look under Imports whether it was done before you send it again."
            status, answer = 503, {"detail": detail, "is_unknown": True}
        shown: dict[str, Any] = {"answer": answer, "status": status, "mapping": mapping}
        return self._one(signed_in, await self._readiness(signed_in, authority), shown)

    async def _readiness(self, signed_in: SignedIn, authority: str) -> Readiness:
        found = await self.service.readiness(signed_in.operator, authority)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "no-authority")
        return found

    async def _all(self, signed_in: SignedIn, shown: Mapping[str, object]) -> Response:
        about = {"authorities": await self.service.authorities(signed_in.operator), "fault": "", "form": {}}
        return self.templates.page(signed_in, "authorities.html", about | dict(shown))

    def _one(self, signed_in: SignedIn, readiness: Readiness, shown: Mapping[str, object]) -> Response:
        about: dict[str, object] = dict.fromkeys(("fault", "token", "answer", "mapping"), "")
        about |= {"about": readiness, "act": str(uuid4()), "takes_files": self.service.casework is not None}
        about |= {"sees_all": signed_in.operator.sees(None), "text_ways": TEXT_WAYS}
        return self.templates.page(signed_in, "authority.html", about | dict(shown))
