"""Serves police: a force's signed replies and its daily list of open episodes, each once, and the pages behind links. A
refusal discloses nothing of our data.
"""

import hashlib
import re
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from services.platform.delivery.links import LinkPages, Links, Purpose, mount_pages
from services.platform.delivery.model import Delivery, State
from services.platform.delivery.queue import repository as deliveries
from services.platform.delivery.webhook_signature import TOLERANCE, is_signed
from services.platform.register.organisations import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import (
    LIST_BYTES,
    MESSAGE_BYTES,
    SIGNED,
    Problem,
    Strangers,
    body_within,
    read_routes,
)
from services.platform.store import inbox
from services.platform.store.encryption import Keyring
from services.platform.store.engine import new_web_app
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import policy, replies, store
from services.police.notices.sender import force_of
from services.police.replies import IN_WORDS, OpenList, Reply, ReplyService, ReplyType, publish_difference
from services.police.web.notice_page import DetailsPage, NoticePage, is_searched_for
from services.safeguarding.duty.duties import Duty, PoliceNotify
from services.safeguarding.identifiers import ForceId

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
    replies.REPLIES.labels("not-signed").inc()
    return Problem(HTTPStatus.UNAUTHORIZED, "Not signed", "No secret of this force's signs this request.")


async def mark_request(uow: UnitOfWork, source: str, request: Request, body: bytes, at: datetime) -> bool:
    """Whether the request is new. Raises Problem if its id came before with other content. `at` is wall time."""
    identity = inbox.Identity(source, request.headers["webhook-id"], hashlib.sha256(body).digest())
    [mark], _ = await inbox.mark_and_ask(uow, [identity], at)
    if mark is inbox.Mark.OTHER_CONTENT:
        detail = "This webhook-id came before with other content. New content needs a new id."
        raise Problem(HTTPStatus.CONFLICT, "Id used before", detail, field="webhook-id")
    return mark is inbox.Mark.NEW


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
        replies.REPLIES.labels(reply.type if is_new else "repeated").inc()
        return JSONResponse({"taken": reply_id}, status_code=HTTPStatus.ACCEPTED)

    async def _apply(self, uow: UnitOfWork, force_id: str, reply_id: str, reply: Reply) -> None:
        delivery = await deliveries.find(uow.connection, reply.data.notice)
        if delivery is not None and delivery.duty is None and force_of(delivery) == force_id:
            await deliveries.end(uow, delivery.id, State.ACKNOWLEDGED, self._clocks.wall())  # of a connection test
            return
        duty = _of_this_force(delivery, force_id, reply.data.episode)
        if delivery is None or duty is None:
            replies.REPLIES.labels("no-such-notice").inc()
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


ROUTES = read_routes(__file__)
for _route in ROUTES.values():
    _route["openapi_extra"] = {"parameters": SIGNED} | _route["openapi_extra"]
_, _schemas = models_json_schema(
    [(Reply, "validation"), (OpenList, "validation")], ref_template="#/components/schemas/{model}"
)
COMPONENTS: dict[str, Any] = _schemas["$defs"]
"""The schemas of forces' bodies. FastAPI cannot describe them: the signature is checked before the body is parsed."""


def pages(
    links: Links,
    clocks: Clocks,
    replies: ReplyWebhook,
    lists: OpenListWebhook,
    notice: NoticePage,
    details: DetailsPage,
) -> FastAPI:
    app = new_web_app("police")

    @app.post("/forces/{force_id}/replies", status_code=HTTPStatus.ACCEPTED, **ROUTES["replies"])
    async def take_reply(force_id: str, request: Request) -> JSONResponse:
        """An acknowledgement, a reference, a grade, news: signed (Standard Webhooks) by the force's reply secret."""
        return await replies.take(request, force_id)

    @app.post("/forces/{force_id}/open-list", status_code=HTTPStatus.ACCEPTED, **ROUTES["open-list"])
    async def take_open_list(force_id: str, request: Request) -> JSONResponse:
        """Which of the episodes that it was told of the force holds open, once a day; signed as a reply is."""
        return await lists.take(request, force_id)

    outlives = partial(is_searched_for, notice.store, notice.keyring)
    mount_pages(
        app,
        LinkPages(links, clocks, Purpose.NOTICE, notice.answer, outlives=outlives),
        LinkPages(links, clocks, Purpose.DETAILS, details.answer, outlives=outlives),
    )
    return app
