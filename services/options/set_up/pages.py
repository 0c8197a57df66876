"""Serves the pages by which an authority gets from nothing to live. Whoever administers it needs no shell."""

import hmac
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI, HTTPException, Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from services.console.policy.access import ALL, May
from services.console.web.session import SignedIn, act_of
from services.console.web.templates import Pages, go_to
from services.options.set_up.service import AuthorityService, Readiness
from services.platform.delivery.model import TEXT_WAYS
from services.platform.runtime.problems import REGISTER_BYTES, parse_form
from services.safeguarding.identifiers import AuthorityId

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
