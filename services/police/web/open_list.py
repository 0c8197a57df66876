"""Takes a force's daily list of open episodes, and publishes each difference from ours."""

from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.platform.register.organisations import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.strangers import Strangers
from services.platform.runtime.limits import LIST_BYTES
from services.platform.store.unit_of_work import Store
from services.police import policy, store
from services.police.open_list import publish_difference
from services.police.replies.schema import OpenList
from services.police.web.signed_request import mark_request, parse, refuse_future, signed_body
from services.safeguarding.identifiers import ForceId


class OpenListWebhook:
    """Commits before it answers. The same list again has the same answer and no second effect. A list that was drawn up
    before one that is already known has no effect.
    """

    def __init__(self, store: Store, clocks: Clocks, forces: Forces) -> None:
        self._store, self._clocks, self._forces = store, clocks, forces
        self._strangers = Strangers()

    async def take(self, request: Request, force: ForceId) -> JSONResponse:
        """Raises Problem for a refused list, as `ReplyWebhook.take` does for a reply."""
        body = await signed_body(request, self._strangers, self._store, self._forces, force, LIST_BYTES)
        given = parse(OpenList, body, "Not a list")
        drawn_up = self._drawn_up(given)
        listed = {each.episode for each in given.data.open}
        list_id = request.headers["webhook-id"]
        async with self._store.transaction() as uow:
            is_new = await mark_request(uow, f"/forces/{force}/open-list", request, body, self._clocks.wall())
            ours = await uow.fetch(store.told_episodes(force, listed))
            if is_new and await uow.fetch(store.save_list(force, drawn_up)):
                for episode, difference in policy.differences(ours.values(), listed, drawn_up):
                    publish_difference(uow, force, episode, difference)
        not_told = sorted(str(each) for each in listed - ours.keys())
        return JSONResponse({"taken": list_id, "not_told": not_told}, status_code=HTTPStatus.ACCEPTED)

    def _drawn_up(self, given: OpenList) -> datetime:
        """In story time. The force's clock shows wall time."""
        refuse_future(given.timestamp, "the list was drawn up", self._clocks)
        return (min(given.timestamp, self._clocks.wall()) + self._clocks.offset).astimezone(UTC)
