"""Plays Twilio's Messages API, on the paths and in the shapes of Twilio's own OpenAPI document."""

import asyncio
import base64
import binascii
import hmac
import re
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from infra.sandbox.account_api import serve_account
from infra.sandbox.behaviours import Mode, current_mode, hold
from infra.sandbox.calls_api import serve_calls
from infra.sandbox.message_resource import API_VERSION, show_list, show_message
from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.texts import Text
from infra.sandbox.twilio_errors import TwilioRefusalError

_LONGEST_BODY = 1600
_LONGEST_VALIDITY = 36_000
_E_164 = re.compile(r"\+[1-9][0-9]{7,14}")


def twilio_routes(world: OutsideWorld) -> APIRouter:
    """Serve the Messages API for the one account of the sandbox."""
    router = APIRouter(prefix=f"/{API_VERSION}/Accounts/{{account_sid}}")
    _serve_list(router, world)
    _serve_one(router, world)
    _serve_media(router, world)
    serve_calls(router, world, lambda request: _meet(request, world))
    serve_account(router, world, lambda request: _meet(request, world))

    @router.api_route("/{rest:path}", methods=["GET", "POST", "DELETE"])
    async def nothing_here(request: Request) -> None:
        await _meet(request, world)
        raise TwilioRefusalError(20404, request.url.path)

    return router


def _serve_list(router: APIRouter, world: OutsideWorld) -> None:
    network, account_sid = world.network, world.config.account_sid

    @router.post("/Messages.json", status_code=201)
    async def create_message(request: Request) -> Any:
        mode = await _meet(request, world)
        form = await request.form()
        recipient, body, callback_url = _read_message(form, world)
        text = network.send(recipient, body, callback_url, _read_validity(form), str(form["From"]))
        if mode is Mode.LOST_ANSWER:
            await hold(request, world.closing)
            return Response(status_code=503)
        return show_message(text, account_sid)

    @router.get("/Messages.json")
    async def list_messages(request: Request) -> dict[str, Any]:
        await _meet(request, world)
        try:
            return show_list(network.texts, account_sid, world.config.own_number, request.query_params)
        except ValueError as unreadable:
            raise TwilioRefusalError(20001, str(unreadable)) from unreadable


def _serve_one(router: APIRouter, world: OutsideWorld) -> None:
    network, account_sid = world.network, world.config.account_sid

    @router.get("/Messages/{sid}.json")
    async def fetch_message(request: Request, sid: str) -> dict[str, Any]:
        await _meet(request, world)
        return show_message(_find(request, world, sid), account_sid)

    @router.post("/Messages/{sid}.json")
    async def update_message(request: Request, sid: str) -> dict[str, Any]:
        await _meet(request, world)
        text, form = _find(request, world, sid), await request.form()
        if form.get("Status") == "canceled":
            if text.status != "queued":
                raise TwilioRefusalError(30409, text.status)
            text.becomes("canceled")
        elif form.get("Body") == "":
            text.body = ""
        return show_message(text, account_sid)

    @router.delete("/Messages/{sid}.json", status_code=204)
    async def delete_message(request: Request, sid: str) -> None:
        await _meet(request, world)
        text = _find(request, world, sid)
        if text.status in {"queued", "sent"}:
            raise TwilioRefusalError(20009, text.status.upper())
        network.texts.remove(text)


def _serve_media(router: APIRouter, world: OutsideWorld) -> None:
    @router.get("/Messages/{sid}/Media.json")
    async def list_media(request: Request, sid: str) -> dict[str, Any]:
        await _meet(request, world)
        text, path = _find(request, world, sid), str(request.url.path)
        named = {"account_sid": world.config.account_sid, "parent_sid": sid, "content_type": "image/jpeg"}
        made = show_message(text, world.config.account_sid)
        dates = {name: made[name] for name in ("date_created", "date_updated")}
        pictures = [
            named | dates | {"sid": each, "uri": f"{path.removesuffix('.json')}/{each}.json"} for each in text.pictures
        ]
        ends = {
            "page": 0,
            "page_size": 50,
            "start": 0,
            "end": max(0, len(pictures) - 1),
            "uri": path,
            "first_page_uri": f"{path}?Page=0",
        }
        return ends | {"media_list": pictures, "next_page_uri": None, "previous_page_uri": None}

    @router.delete("/Messages/{sid}/Media/{picture}.json", status_code=204)
    async def delete_media(request: Request, sid: str, picture: str) -> None:
        await _meet(request, world)
        text = _find(request, world, sid)
        if picture not in text.pictures:
            raise TwilioRefusalError(20404, request.url.path)
        text.pictures.remove(picture)


async def _meet(request: Request, world: OutsideWorld) -> Mode:
    """Check the account, then let the network be in the mood that it is in."""
    _authenticate(request, world)
    network = world.behaviours.phone_network
    mode = current_mode(network)
    if mode is Mode.SLOW:
        await asyncio.sleep(network.delay_seconds)
    elif mode is Mode.SILENT:
        await hold(request, world.closing)
        raise TwilioRefusalError(20500)
    elif mode is Mode.FAILING:
        raise TwilioRefusalError(20500, status=network.status)
    elif mode is Mode.THROTTLED:
        raise TwilioRefusalError(20429, retry_after=network.retry_after_seconds)
    return mode


def _authenticate(request: Request, world: OutsideWorld) -> None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        given = b""
    expected = f"{world.config.account_sid}:{world.config.auth_token}".encode()
    if scheme.lower() != "basic" or not hmac.compare_digest(given, expected):
        raise TwilioRefusalError(20003)
    if request.path_params["account_sid"] != world.config.account_sid:
        raise TwilioRefusalError(20404, request.url.path)


def _read_message(form: FormData, world: OutsideWorld) -> tuple[str, str, str | None]:
    """Read recipient, body and callback URL, refusing in the order in which Twilio does."""
    recipient, sender, body = (str(form.get(name) or "") for name in ("To", "From", "Body"))
    callback_url = str(form.get("StatusCallback") or "") or None
    if not recipient:
        raise TwilioRefusalError(21604)
    if not _E_164.fullmatch(recipient):
        raise TwilioRefusalError(21211, recipient)
    if not sender:
        raise TwilioRefusalError(21603)
    if sender not in {world.config.own_number, *world.config.further_numbers}:
        raise TwilioRefusalError(21606, sender)
    if not body.strip():
        raise TwilioRefusalError(21602)
    if len(body) > _LONGEST_BODY:
        raise TwilioRefusalError(21617)
    if callback_url and not urlsplit(callback_url).netloc:
        raise TwilioRefusalError(21609, callback_url)
    if recipient in world.network.opted_out:
        raise TwilioRefusalError(21610)
    return recipient, body, callback_url


def _read_validity(form: FormData) -> int:
    written = str(form.get("ValidityPeriod") or _LONGEST_VALIDITY)
    if not written.isdecimal() or not 1 <= int(written) <= _LONGEST_VALIDITY:
        raise TwilioRefusalError(20001, "ValidityPeriod")
    return int(written)


def _find(request: Request, world: OutsideWorld, sid: str) -> Text:
    if text := world.network.texts.get(sid):
        return text
    raise TwilioRefusalError(20404, request.url.path)
