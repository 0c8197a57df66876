"""The door for a force's replies: signed, replay-protected, taken once. What is refused says nothing of what we hold."""

import hashlib
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.webhook_signature import is_signed
from services.platform.register.forces import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within
from services.platform.runtime.limits import MESSAGE_BYTES
from services.platform.store import inbox
from services.platform.store.encryption import Keyring
from services.platform.store.inbox import Mark
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import metrics
from services.police.notices import connection_test
from services.police.replies.schema import Reply
from services.police.replies.service import ReplyService
from services.safeguarding.duty.duties import Duty

FORCE = re.compile(r"[a-z0-9-]{1,100}")
ID = re.compile(r"[!-~]{1,200}")
"""It travels on the bus, as the reply's."""
Shape = TypeVar("Shape", bound=BaseModel)


class RepliesDoor:
    """Commits before it answers. The same reply again has the same answer and no second effect."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, forces: Forces) -> None:
        self._store, self._clocks, self._keyring, self._forces = store, clocks, keyring, forces

    async def take(self, request: Request, force_id: str) -> JSONResponse:
        """Raises Problem for what is refused: 401 for a force or a signature that is not good, without saying which."""
        body = await signed_body(request, self._store, self._forces, force_id, MESSAGE_BYTES)
        reply = read_as(Reply, body)
        reply_id = request.headers["webhook-id"]
        async with self._store.transaction() as uow:
            mark = await inbox.mark(
                uow,
                source=f"/forces/{force_id}",
                message_id=reply_id,
                content_hash=hashlib.sha256(body).digest(),
                at=self._clocks.wall(),
            )
            if mark is Mark.OTHER_CONTENT:
                detail = "This webhook-id came before with other content. A new reply needs a new id."
                raise Problem(HTTPStatus.CONFLICT, "Id used before", detail, field="webhook-id")
            if mark is Mark.NEW:
                await self._work(uow, force_id, reply_id, reply)
        metrics.REPLIES.labels(reply.type if mark is Mark.NEW else "repeated").inc()
        return JSONResponse({"taken": reply_id}, status_code=HTTPStatus.ACCEPTED)

    async def _work(self, uow: UnitOfWork, force_id: str, reply_id: str, reply: Reply) -> None:
        delivery = await deliveries.find(uow.connection, reply.data.notice)
        if delivery is not None and connection_test.is_test_of(delivery, force_id):
            await connection_test.answered(uow, delivery, self._clocks.wall())
            return
        duty = _of_this_force(delivery, force_id, reply.data.episode)
        if delivery is None or duty is None:
            metrics.REPLIES.labels("no-such-notice").inc()
            detail = "No notice with this id and episode was sent to this force."
            raise Problem(HTTPStatus.NOT_FOUND, "No such notice", detail, field="data.notice")
        answering = ReplyService(
            keyring=self._keyring,
            uow=uow,
            force=force_id,
            reply_id=reply_id,
            delivery=delivery,
            duty=duty,
            at=self._clocks.story(),
            now=self._clocks.wall(),
            came_about=came_about(reply, duty, self._clocks),
        )
        await answering.take(reply)


def came_about(reply: Reply, duty: Duty, clocks: Clocks) -> datetime:
    """In story time, while the force's clock is on the wall. Neither before the force was told nor after now, whatever it says."""
    said = min(reply.timestamp, clocks.wall()) + clocks.offset
    return min(max(said, duty.created_at), clocks.story()).astimezone(UTC)


async def signed_body(request: Request, store: Store, forces: Forces, force_id: str, at_most: int) -> bytes:
    """Raises Problem, the same for a force that nobody knows and a signature that does not fit."""
    body = await body_within(request, at_most)
    if not FORCE.fullmatch(force_id):
        raise _not_signed()
    async with store.reading.connect() as connection:
        force = await forces.of(connection, force_id)
    if not is_signed(body, request.headers, force.reply_secrets if force else ()):
        raise _not_signed()
    if not ID.fullmatch(request.headers["webhook-id"]):
        detail = "An id has 1 to 200 characters of ASCII, without spaces: it names a message, and says nothing."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not an id", detail, field="webhook-id")
    return body


def _not_signed() -> Problem:
    metrics.REPLIES.labels("not-signed").inc()
    return Problem(HTTPStatus.UNAUTHORIZED, "Not signed", "No secret of this force's signs this request.")


def _of_this_force(delivery: Delivery | None, force_id: str, episode: UUID | None) -> Duty | None:
    duty = delivery.duty if delivery is not None else None
    if duty is None or duty.force != force_id or (episode is not None and duty.episode != episode):
        return None
    return duty


def read_as(shape: type[Shape], body: bytes) -> Shape:
    """Raises Problem that names each field which is not as it should be."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        errors = [_fault(each["loc"], each["msg"]) for each in error.errors(include_url=False, include_input=False)]
        detail = "It does not have the shape of docs/integrating/police.md."
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "Not a reply", detail, field=errors[0]["field"], errors=errors
        ) from None


def _fault(place: tuple[int | str, ...], message: str) -> dict[str, str]:
    of_ours = message.startswith("Value error, ")
    message = message.removeprefix("Value error, ")
    if of_ours and not place and ": " in message:
        field, _, message = message.partition(": ")
        return {"field": field, "detail": message}
    return {"field": ".".join(str(part) for part in place) or "body", "detail": message}
