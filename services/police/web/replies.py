"""Takes a force's signed replies, each once. A refusal discloses nothing of our data."""

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse

from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.webhook_signature import TOLERANCE
from services.platform.register.organisations import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem
from services.platform.runtime.http.strangers import Strangers
from services.platform.runtime.limits import MESSAGE_BYTES
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import metrics
from services.police.notices.sender import force_of
from services.police.replies.schema import Reply, ReplyType
from services.police.replies.service import ReplyService
from services.police.web.signed_request import mark_request, parse, refuse_future, signed_body, wrong_time
from services.safeguarding.duty.duties import Duty, PoliceNotify

OF_THE_CHILD = frozenset({ReplyType.LOCATED, ReplyType.RETURNED, ReplyType.SAFE_AND_WELL_CHECKED})
TAKEN_AHEAD = frozenset({ReplyType.ACKNOWLEDGED, ReplyType.REFERENCE_GIVEN, ReplyType.INFORMATION})
"""A wrong clock must not keep from anybody that an officer has it, or where the child was seen: they end no search."""


class ReplyWebhook:
    """Commits before it answers. The same reply again has the same answer and no second effect."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, forces: Forces) -> None:
        self._store, self._clocks, self._keyring, self._forces = store, clocks, keyring, forces
        self._strangers = Strangers()

    async def take(self, request: Request, force_id: str) -> JSONResponse:
        """Raises Problem for a refused reply: 401 for an unknown force or a wrong signature, without saying which."""
        body = await signed_body(request, self._strangers, self._store, self._forces, force_id, MESSAGE_BYTES)
        reply = parse(Reply, body, "Not a reply")
        reply_id = request.headers["webhook-id"]
        async with self._store.transaction() as uow:
            is_new = await mark_request(uow, f"/forces/{force_id}", request, body, self._clocks.wall())
            if is_new:
                await self._apply(uow, force_id, reply_id, reply)
        metrics.REPLIES.labels(reply.type if is_new else "repeated").inc()
        return JSONResponse({"taken": reply_id}, status_code=HTTPStatus.ACCEPTED)

    async def _apply(self, uow: UnitOfWork, force_id: str, reply_id: str, reply: Reply) -> None:
        delivery = await deliveries.find(uow.connection, reply.data.notice)
        if delivery is not None and delivery.duty is None and force_of(delivery) == force_id:
            await deliveries.end(uow, delivery.id, State.ACKNOWLEDGED, self._clocks.wall())  # of a connection test
            return
        duty = _of_this_force(delivery, force_id, reply.data.episode)
        if delivery is None or duty is None:
            metrics.REPLIES.labels("no-such-notice").inc()
            detail = "No notice with this id and episode was sent to this force."
            raise Problem(HTTPStatus.NOT_FOUND, "No such notice", detail, field="data.notice")
        at, now, happened = self._clocks.story(), self._clocks.wall(), came_about(reply, duty, self._clocks)
        service = ReplyService(self._keyring, uow, reply_id, delivery, duty, at, now, came_about=happened)
        await service.take(reply)


def came_about(reply: Reply, duty: Duty, clocks: Clocks) -> datetime:
    """In story time; the force's clock shows wall time. Never after now, nor before the force was told; news of the
    child, never before its report. Raises Problem if it cannot be of this absence, or has not happened yet.
    """
    if reply.type not in TAKEN_AHEAD:
        refuse_future(reply.timestamp, "it happened", clocks)
    earliest, reported_at = duty.created_at, _reported_at(duty)
    if reply.type in OF_THE_CHILD and reported_at is not None:
        if clocks.own() - reply.timestamp > clocks.story() - reported_at + TOLERANCE:
            raise _before_report()
        earliest = reported_at
    said = min(reply.timestamp, clocks.wall()) + clocks.offset
    return min(max(said, earliest), clocks.story()).astimezone(UTC)


def _reported_at(duty: Duty) -> datetime | None:
    return duty.missing_since if isinstance(duty, PoliceNotify) else None


def _before_report() -> Problem:
    happened = "timestamp must be when it happened, with its time zone. This is before the child was reported missing."
    detail = f"{happened} If the child has been seen since, give the time of that."
    return wrong_time("Before the report", detail)


def _of_this_force(delivery: Delivery | None, force_id: str, episode: UUID | None) -> Duty | None:
    duty = delivery.duty if delivery is not None else None
    if duty is None or duty.force != force_id or (episode is not None and duty.episode != episode):
        return None
    return duty
