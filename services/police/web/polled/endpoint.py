"""Hands a force that nothing can reach from outside its notices, when it comes for them."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.platform.delivery.channels.webhook import signed
from services.platform.delivery.webhook_signature import is_signed
from services.platform.register.organisations import Force, Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem
from services.platform.runtime.http.strangers import Strangers
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.police.notices.sender import lane_of
from services.police.web.polled.offers import offer
from services.police.web.signed_request import FORCE, not_signed
from services.safeguarding.identifiers import ForceId

LARGEST_CURSOR = 2**62


class PollEndpoint:
    """Commits before it answers that what the cursor confirms is accepted."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, forces: Forces) -> None:
        self._store, self._clocks, self._keyring, self._forces = store, clocks, keyring, forces
        self._strangers = Strangers()

    async def give(self, request: Request, force_id: ForceId, after: int) -> JSONResponse:
        """Raises Problem as `signed_body` does. The signature is of the request's target, in place of a body."""
        if not 0 <= after < LARGEST_CURSOR:
            detail = "The cursor of an earlier answer, or 0, is needed."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a cursor", detail, field="after")
        self._strangers.let_in(request, force_id)
        target = f"/forces/{force_id}/notices?after={after}".encode()
        async with self._store.transaction() as uow:
            force = await uow.fetch(self._forces.by_id(force_id)) if FORCE.fullmatch(force_id) else None
            asking = next(
                (each for each in _who_may_ask(force) if is_signed(target, request.headers, each.reply_secrets)), None
            )
            if asking is None:
                raise not_signed()
            self._strangers.remember(request, force_id)
            now = self._clocks.wall()
            lane = lane_of(force_id, None if asking is force else asking.version)
            offered = await offer(uow, self._keyring, force_id, lane, after, now)
        if offered.closed and not offered.notices:
            # An empty answer would say that no child is missing.
            detail = "There are notices for you that cannot be opened here now. Ask again, and ring us."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Notices cannot be opened", detail)
        notices = [
            {
                "cursor": str(each.position),
                "headers": signed(str(each.id), each.body, asking.secrets, self._clocks.own()),
                "body": each.body,
            }
            for each in offered.notices
        ]
        return JSONResponse({"notices": notices, "after": str(offered.after)})


def _who_may_ask(force: Force | None) -> tuple[Force, ...]:
    """A version that is only proposed may ask, by its own keys, for its connection test and for nothing else."""
    if force is None:
        return ()
    return tuple(each for each in (force, *force.proposed) if each.polls)
