"""Checks the signature and the id of a force's request, and parses its body."""

import hashlib
import re
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from services.platform.delivery.webhook_signature import TOLERANCE, is_signed
from services.platform.register.organisations import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.http.problems import Problem, body_within
from services.platform.runtime.http.strangers import Strangers
from services.platform.store import inbox
from services.platform.store.inbox import Identity, Mark
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import metrics
from services.police.replies.schema import IN_WORDS

FORCE = re.compile(r"[a-z0-9-]{1,100}")
ID = re.compile(r"[!-~]{1,200}")
"""The id of a reply travels on the bus."""
Shape = TypeVar("Shape", bound=BaseModel)


async def signed_body(
    request: Request, strangers: Strangers, store: Store, forces: Forces, force_id: str, at_most: int
) -> bytes:
    """Raises Problem, the same one for an unknown force and for a wrong signature; 429 for too many requests."""
    body = await body_within(request, at_most)
    strangers.let_in(request, force_id)
    if not FORCE.fullmatch(force_id):
        raise not_signed()
    async with store.read() as reader:
        force = await reader.fetch(forces.by_id(force_id))
    if not is_signed(body, request.headers, force.reply_secrets if force else ()):
        raise not_signed()
    strangers.remember(request, force_id)
    if not ID.fullmatch(request.headers["webhook-id"]):
        detail = "webhook-id must be 1 to 200 printable ASCII characters, without spaces."
        raise Problem(HTTPStatus.BAD_REQUEST, "Not an id", detail, field="webhook-id")
    return body


def not_signed() -> Problem:
    metrics.REPLIES.labels("not-signed").inc()
    return Problem(HTTPStatus.UNAUTHORIZED, "Not signed", "No secret of this force's signs this request.")


async def mark_request(uow: UnitOfWork, source: str, request: Request, body: bytes, at: datetime) -> bool:
    """Whether the request is new. Raises Problem if its id came before with other content. `at` is wall time."""
    identity = Identity(source, request.headers["webhook-id"], hashlib.sha256(body).digest())
    [mark], _ = await inbox.mark_and_ask(uow, [identity], at)
    if mark is Mark.OTHER_CONTENT:
        detail = "This webhook-id came before with other content. New content needs a new id."
        raise Problem(HTTPStatus.CONFLICT, "Id used before", detail, field="webhook-id")
    return mark is Mark.NEW


def parse(shape: type[Shape], body: bytes, title: str) -> Shape:
    """Raises Problem of this title that names each wrong field."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        errors = [
            _fault(each["loc"], IN_WORDS.get(each.get("ctx", {}).get("pattern", ""), each["msg"]))
            for each in error.errors(include_url=False, include_input=False)
        ]
        detail = "It does not have the shape of docs/integrating/police.md."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, title, detail, field=errors[0]["field"], errors=errors) from None


def refuse_future(at: datetime, what: str, clocks: Clocks) -> None:
    """Raises Problem if `at`, when `what`, is further ahead of us than a signature may be."""
    if at > clocks.own() + TOLERANCE:
        detail = f"timestamp must be when {what}, with its time zone. This one is in the future."
        raise wrong_time("In the future", detail)


def wrong_time(title: str, detail: str) -> Problem:
    errors = [{"field": "timestamp", "detail": detail}]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, title, detail, field="timestamp", errors=errors)


def _fault(place: tuple[int | str, ...], message: str) -> dict[str, str]:
    of_ours = message.startswith("Value error, ")
    message = message.removeprefix("Value error, ")
    if of_ours and not place and ": " in message:
        field, _, message = message.partition(": ")
        return {"field": field, "detail": message}
    return {"field": ".".join(str(part) for part in place) or "body", "detail": message}
