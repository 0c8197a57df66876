"""Plays the part of Twilio's Calls API by which a text is read out: make a call, look at one, list a number's."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from infra.sandbox.behaviours import Mode, hold
from infra.sandbox.calls import Call, action_of, show_call, words_of
from infra.sandbox.outside_world import OutsideWorld
from infra.sandbox.twilio_errors import TwilioRefusalError

_LONGEST_TWIML = 4000


def serve_calls(router: APIRouter, world: OutsideWorld, meet: Callable[[Request], Awaitable[Mode]]) -> None:
    """Add the Calls to the account's routes; `meet` checks the account and says what mood the network is in."""
    calls, account_sid = world.calls, world.config.account_sid

    @router.post("/Calls.json", status_code=201)
    async def create_call(request: Request) -> Any:
        mode = await meet(request)
        call = calls.ring(await _read_call(request, world))
        if mode is Mode.LOST_ANSWER:
            await hold(request, world.closing)
            return Response(status_code=503)
        return show_call(call, account_sid)

    @router.get("/Calls.json")
    async def list_calls(request: Request) -> dict[str, Any]:
        await meet(request)
        size = int(request.query_params.get("PageSize") or 50)
        shown = [show_call(call, account_sid) for call in calls.to(request.query_params.get("To"))[:size]]
        path = str(request.url.path)
        ends = {"page": 0, "page_size": size, "start": 0, "end": max(len(shown) - 1, 0), "uri": path}
        return ends | {"calls": shown, "first_page_uri": path, "next_page_uri": None, "previous_page_uri": None}

    @router.get("/Calls/{sid}.json")
    async def fetch_call(request: Request, sid: str) -> dict[str, Any]:
        await meet(request)
        call = calls.made.get(sid)
        if call is None:
            raise TwilioRefusalError(20404, request.url.path)
        return show_call(call, account_sid)


async def _read_call(request: Request, world: OutsideWorld) -> Call:
    """Read a call, refusing as Twilio does: no To, no From of ours, no TwiML that says anything."""
    form = await request.form()
    recipient, sender, twiml = (str(form.get(name) or "") for name in ("To", "From", "Twiml"))
    if not recipient.startswith("+") or not recipient[1:].isdecimal():
        raise TwilioRefusalError(21211, recipient)
    if sender != world.config.own_number:
        raise TwilioRefusalError(21210, sender)
    if len(twiml) > _LONGEST_TWIML:
        raise TwilioRefusalError(21219)
    try:
        says = words_of(twiml)
    except ValueError as broken:
        raise TwilioRefusalError(12100, str(broken)) from broken
    return Call(
        sender,
        recipient,
        says,
        str(form.get("StatusCallback") or "") or None,
        frozenset(map(str, form.getlist("StatusCallbackEvent"))) or frozenset({"completed"}),
        keys_url=action_of(twiml, "Gather"),
        detects_machines=form.get("MachineDetection") in {"Enable", "DetectMessageEnd"},
    )
