"""Shows and decides changes of forces and agencies for the console: `/organisations/changes`. Nobody outside does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from fastapi.encoders import jsonable_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.casework.organisations.changes import CannotChange, OrganisationChanges, changes_by_code
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.browser_form import read_form
from services.platform.runtime.http.problems import Problem, bearer_of
from services.platform.runtime.http.strangers import Strangers
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store

MOST_OF_A_REASON = 500


@dataclass(frozen=True)
class OrganisationEndpoint:
    """Takes the code that a command takes: by it we know who asks, whatever the console says."""

    store: Store
    clocks: Clocks
    keyring: Keyring
    strangers: Strangers = field(default_factory=Strangers)

    async def show(self, request: Request) -> JSONResponse:
        async with self._acting(request) as changes:
            return JSONResponse(jsonable_encoder({"changes": await changes.latest()}))

    async def approve(self, request: Request, change: UUID) -> JSONResponse:
        """`at`: from when a force's holds, ISO 8601 with its zone. `shown`: as the list of changes had it."""
        form = await read_form(request)
        try:
            at = datetime.fromisoformat(form["at"]).astimezone(self.clocks.wall().tzinfo) if "at" in form else None
        except (ValueError, OverflowError):
            raise Problem(HTTPStatus.BAD_REQUEST, "Not a time", "A time is needed.", field="at") from None
        async with self._acting(request) as changes:
            await changes.approve(change, at, shown=form.get("shown", ""))
        return JSONResponse({"done": "approved"})

    async def take_back(self, request: Request, change: UUID) -> JSONResponse:
        reason = (await read_form(request)).get("reason", "")[:MOST_OF_A_REASON]
        async with self._acting(request) as changes:
            is_done = await changes.take_back(change, reason)
        return JSONResponse({"done": "taken-back" if is_done else "asked-back"})

    @asynccontextmanager
    async def _acting(self, request: Request) -> AsyncIterator[OrganisationChanges]:
        """Raises Problem: 401 without a code of somebody who may, 409 with the reason where it cannot be done."""
        self.strangers.let_in(request, "organisations")
        try:
            async with self.store.transaction() as uow:
                changes = await changes_by_code(uow, self.keyring, bearer_of(request), self.clocks.wall())
                if changes is None:
                    detail = "A code of an operator or a duty manager of every authority is needed."
                    raise Problem(HTTPStatus.UNAUTHORIZED, "Not authenticated", detail)
                self.strangers.remember(request, "organisations")
                yield changes
        except CannotChange as cannot:
            raise Problem(HTTPStatus.CONFLICT, "It cannot be done", f"Nothing was changed: {cannot}.") from None
