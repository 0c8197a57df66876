"""Takes a child's photograph, so that police have it the moment the child is missing (S57)."""

import asyncio
import contextlib
from datetime import date, datetime
from http import HTTPStatus

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.casework.policy import picture
from services.casework.policy.credential import PHOTOGRAPHS
from services.casework.store import photographs
from services.casework.web.bearer import Bearers
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within, media_type_of
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.dates import Day
from services.safeguarding.identifiers import ChildId
from services.safeguarding.working_time import day_in_england

DAY = TypeAdapter[date](Day)


class PhotographEndpoint:
    """Commits before it answers. Raises Problem if it refuses."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, bearers: Bearers) -> None:
        self._store, self._clocks, self._keyring, self._bearers = store, clocks, keyring, bearers
        self._one_at_a_time = asyncio.Semaphore(1)

    async def take_photograph(self, request: Request, authority: str, reference: str) -> Response:
        """A child's photograph, replacing an earlier one. Police see it by a link while the child is searched for."""
        await self._bearers.credential(request, authority, (PHOTOGRAPHS,))
        media_type = media_type_of(request)
        if media_type not in picture.KINDS:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a photograph", f"{picture.WANTED}.")
        taken_on = _day(request.query_params.get("taken_on"), self._clocks.story())
        try:
            async with self._bearers.upload(authority):
                content = await body_within(request, picture.PICTURE_BYTES)
                async with self._one_at_a_time:
                    drawn = await asyncio.to_thread(picture.redrawn, content, media_type)
        except picture.NoPhotograph as wrong:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a photograph", f"{wrong}.", field="body") from None
        async with self._store.transaction([authority]) as uow:
            child = await self._child(uow, authority, reference)
            at = self._clocks.story()
            await photographs.keep_photograph(uow, self._keyring, child, drawn, media_type, taken_on, at)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def remove_photograph(self, request: Request, authority: str, reference: str) -> Response:
        """No answer tells whether there was one."""
        await self._bearers.credential(request, authority, (PHOTOGRAPHS,))
        async with self._store.transaction([authority]) as uow:
            photographs.remove_photograph(uow, await self._child(uow, authority, reference))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _child(self, uow: UnitOfWork, authority: str, reference: str) -> ChildId:
        child = await uow.fetch(photographs.child_by_reference(authority, reference))
        if child is None:
            raise Problem(HTTPStatus.NOT_FOUND, "No such child", "The authority has no child of this reference.")
        return child


def _day(given: str | None, now: datetime) -> date | None:
    if given is None:
        return None
    with contextlib.suppress(ValidationError):
        day = DAY.validate_strings(given)
        if day <= day_in_england(now):
            return day
    detail = "taken_on must be the day on which it was taken, YYYY-MM-DD, neither in the future nor before 1900."
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a day", detail, field="taken_on")
