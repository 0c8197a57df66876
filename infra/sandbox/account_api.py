"""Plays Twilio's API about the account and its numbers, in the fields of its published client."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request

from infra.sandbox.behaviours import Mode
from infra.sandbox.message_resource import API_VERSION
from infra.sandbox.outside_world import OutsideWorld

_MADE = "Mon, 02 Nov 2026 09:00:00 +0000"


def serve_account(router: APIRouter, world: OutsideWorld, meet: Callable[[Request], Awaitable[Mode]]) -> None:
    """Add the account and its numbers to its routes; `meet` checks the account and the network's mood."""
    account_sid = world.config.account_sid

    @router.get(".json")
    async def fetch_account(request: Request) -> dict[str, Any]:
        await meet(request)
        return {
            "sid": account_sid,
            "owner_account_sid": account_sid,
            "friendly_name": "Safe Return",
            "status": "active",
            "type": "Full",
            "auth_token": world.config.auth_token,
            "date_created": _MADE,
            "date_updated": _MADE,
            "subresource_uris": {},
            "uri": f"/{API_VERSION}/Accounts/{account_sid}.json",
        }

    @router.get("/IncomingPhoneNumbers.json")
    async def list_numbers(request: Request) -> dict[str, Any]:
        await meet(request)
        size, part = int(request.query_params.get("PageSize") or 50), request.query_params.get("PhoneNumber") or ""
        ours = (world.config.own_number, *world.config.further_numbers)
        shown = [_show_number(each, world) for each in ours if part.lstrip("+") in each][:size]
        path = str(request.url.path)
        ends = {"page": 0, "page_size": size, "start": 0, "end": max(len(shown) - 1, 0), "uri": path}
        ends |= {"first_page_uri": path, "next_page_uri": None, "previous_page_uri": None}
        return ends | {"incoming_phone_numbers": shown}


def _show_number(number: str, world: OutsideWorld) -> dict[str, Any]:
    config, sid = world.config, f"PN{number.lstrip('+'):0>32}"
    return {
        "sid": sid,
        "account_sid": config.account_sid,
        "api_version": API_VERSION,
        "phone_number": number,
        "friendly_name": number,
        "origin": "twilio",
        "status": "in-use",
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "date_created": _MADE,
        "date_updated": _MADE,
        "sms_url": config.webhook_url,
        "sms_method": "POST",
        "sms_fallback_url": config.fallback_url or "",
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "voice_url": config.voice_url or "",
        "voice_method": "POST",
        "voice_fallback_url": (config.fallback_url or "").replace("/texts/", "/calls/"),
        "voice_fallback_method": "POST",
        "voice_application_sid": None,
        "trunk_sid": None,
        "uri": f"/{API_VERSION}/Accounts/{config.account_sid}/IncomingPhoneNumbers/{sid}.json",
    }
