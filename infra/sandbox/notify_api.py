"""Plays GOV.UK Notify's API for texts, on the paths and in the shapes of its published documentation."""

import asyncio
import re
from typing import Any
from uuid import UUID

import jwt
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from infra.sandbox.behaviours import Mode, current_mode, hold
from infra.sandbox.config import NotifyService
from infra.sandbox.notify import ENDS, notify_id, written
from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.texts import Text

PAGE = 250
CLOCK_SECONDS = 30
_PLACEHOLDER = "message"
_UK_MOBILE = re.compile(r"(\+44|44|0)7\d{9}")


class NotifyRefusalError(Exception):
    """An answer in the shape of Notify's errors."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


async def answer_notify_refusal(_request: Request, refusal: Exception) -> Response:
    """Write the refusal as Notify does."""
    assert isinstance(refusal, NotifyRefusalError)  # noqa: S101 - registered for nothing else
    errors = [{"error": refusal.error, "message": refusal.message}]
    return JSONResponse({"status_code": refusal.status, "errors": errors}, refusal.status)


def notify_routes(world: OutsideWorld) -> APIRouter:
    """Serve the API for the services of the sandbox."""
    router = APIRouter(prefix="/v2")
    network = world.network

    @router.post("/notifications/sms", status_code=201)
    async def send_text(request: Request) -> Any:
        service, mode = await _meet(request, world)
        recipient, body, sender, reference = _read(await request.json(), service)
        text = network.notify.send(service, recipient, body, sender, reference)
        if mode is Mode.LOST_ANSWER:
            await hold(request, world.closing)
            return Response(status_code=503)
        return show_sent(text, service, str(request.base_url))

    @router.get("/notifications")
    async def list_texts(request: Request) -> dict[str, Any]:
        service, _ = await _meet(request, world)
        asked = request.query_params
        found = [
            show_notification(text, service, str(request.base_url))
            for text in network.texts.newest_first()
            if text.service == service
            and text.direction != "inbound"
            and asked.get("template_type") in {None, "sms"}
            and asked.get("reference") in {None, text.reference}
            and asked.get("status") in {None, text.status}
        ]
        return {"notifications": found[:PAGE], "links": {"current": str(request.url)}}

    @router.get("/notifications/{name}")
    async def show_text(request: Request, name: UUID) -> dict[str, Any]:
        service, _ = await _meet(request, world)
        text = network.texts.get(f"SM{name.hex}")
        if text is None or text.service != service:
            raise NotifyRefusalError(404, "NoResultFound", "No result found")
        return show_notification(text, service, str(request.base_url))

    @router.get("/template/{name}")
    async def show_template(request: Request, name: str) -> dict[str, Any]:
        service, _ = await _meet(request, world)
        if name != service.template_id:
            raise NotifyRefusalError(404, "NoResultFound", "No result found")
        return {
            "id": name,
            "name": "Safe Return",
            "type": "sms",
            "version": 1,
            "body": f"(({_PLACEHOLDER}))",
            "subject": None,
            "created_at": "2026-11-02T09:00:00.000000Z",
            "updated_at": None,
            "created_by": "safe-return@kestrel.example",
            "letter_contact_block": None,
            "personalisation": {_PLACEHOLDER: {"required": True}},
        }

    return router


async def _meet(request: Request, world: OutsideWorld) -> tuple[NotifyService, Mode]:
    """Check the token, then let Notify be in the mood that it is in."""
    service = _authenticate(request, world)
    behaviour = world.behaviours.notify
    mode = current_mode(behaviour)
    if mode is Mode.SLOW:
        await asyncio.sleep(behaviour.delay_seconds)
    elif mode is Mode.SILENT:
        await hold(request, world.closing)
    elif mode is Mode.THROTTLED:
        said = "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"
        raise NotifyRefusalError(429, "RateLimitError", said)
    elif mode is Mode.FULL:
        raise NotifyRefusalError(429, "TooManyRequestsError", "Exceeded send limits (250000) for today")
    elif mode is Mode.REFUSING:
        said = "Can't send to this recipient when service is in trial mode"
        raise NotifyRefusalError(400, "BadRequestError", said)
    if mode in {Mode.FAILING, Mode.SILENT}:
        raise NotifyRefusalError(500, "Exception", "Internal server error")
    return service, mode


def _authenticate(request: Request, world: OutsideWorld) -> NotifyService:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        named = jwt.decode(token, options={"verify_signature": False})["iss"]
        service = next(each for each in world.config.notify if each.service_id == named)
        jwt.decode(token, service.secret, ["HS256"], leeway=CLOCK_SECONDS, options={"require": ["iss", "iat"]})
    except (jwt.InvalidTokenError, KeyError, StopIteration):
        raise NotifyRefusalError(403, "AuthError", "Invalid token: API key not found") from None
    if scheme.lower() != "bearer":
        raise NotifyRefusalError(401, "AuthError", "Unauthorized: authentication bearer scheme must be used")
    return service


def _read(asked: dict[str, Any], service: NotifyService) -> tuple[str, str, str, str | None]:
    """Read recipient, body, sender and reference."""
    recipient = str(asked.get("phone_number") or "")
    if not recipient:
        raise NotifyRefusalError(400, "ValidationError", "phone_number is a required property")
    if not _UK_MOBILE.fullmatch(recipient):
        raise NotifyRefusalError(400, "ValidationError", "phone_number Not a UK mobile number")
    if asked.get("template_id") != service.template_id:
        raise NotifyRefusalError(400, "BadRequestError", "Template not found")
    body = (asked.get("personalisation") or {}).get(_PLACEHOLDER)
    if body is None:
        raise NotifyRefusalError(400, "BadRequestError", f"Missing personalisation: {_PLACEHOLDER}")
    sender_id = asked.get("sms_sender_id")
    if sender_id is not None and sender_id not in service.senders:
        said = f"sms_sender_id {sender_id} does not exist in database for service id {service.service_id}"
        raise NotifyRefusalError(400, "BadRequestError", said)
    return recipient, str(body), service.senders.get(str(sender_id), service.number), asked.get("reference")


def show_sent(text: Text, service: NotifyService, base: str) -> dict[str, Any]:
    """Show the answer to a text that was taken."""
    return {
        "id": notify_id(text),
        "reference": text.reference,
        "content": {"body": text.body, "from_number": text.sender},
        "uri": f"{base}v2/notifications/{notify_id(text)}",
        "template": _template(service, base),
    }


def show_notification(text: Text, service: NotifyService, base: str) -> dict[str, Any]:
    """Show one text's data."""
    return {
        "id": notify_id(text),
        "reference": text.reference,
        "email_address": None,
        "phone_number": text.recipient,
        "type": "sms",
        "status": text.status,
        "template": _template(service, base),
        "body": text.body,
        "subject": None,
        "created_at": written(text.created_at),
        "created_by_name": None,
        "sent_at": written(text.sent_at or text.created_at),
        "completed_at": written(text.updated_at) if text.status in ENDS else None,
        "scheduled_for": None,
    }


def _template(service: NotifyService, base: str) -> dict[str, Any]:
    return {"id": service.template_id, "version": 1, "uri": f"{base}v2/template/{service.template_id}"}
