"""Plays calls on the phone network: those from Safe Return, and those of people who ring it."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

from infra.sandbox.behaviours import Behaviours
from infra.sandbox.config import SandboxConfig
from infra.sandbox.errands import Errands
from infra.sandbox.ledger import Ledger
from infra.sandbox.webhook_calls import SignedCaller

SECONDS_TO_RING = 0.05
SECONDS_TO_ANSWER = 0.2


@dataclass(slots=True)
class Call:
    """One call, from Safe Return or to it. `says` is what the voice reads out, without the TwiML's tags."""

    sender: str
    recipient: str
    says: str
    callback_url: str | None
    callback_events: frozenset[str]
    keys_url: str | None = None
    detects_machines: bool = False
    heard: list[str] = field(default_factory=list)
    status: str = "queued"
    answered_by: str | None = None
    sid: str = field(default_factory=lambda: f"CA{uuid.uuid4().hex}")
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def words_of(twiml: str) -> str:
    """Give the words of the first Say; the others repeat it. Raises ValueError for TwiML that says nothing."""
    try:
        document = ET.fromstring(twiml)  # noqa: S314 - from the service under test, on loopback
    except ET.ParseError as broken:
        raise ValueError(str(broken)) from broken
    said = [each.text or "" for each in document.iter("Say")]
    if document.tag != "Response" or not said:
        raise ValueError("a Response with a Say is needed")
    return said[0].strip()


def action_of(twiml: str, verb: str) -> str | None:
    """Give the URL to which the first such verb, a Gather or a Record, sends what the other end does."""
    found = next(ET.fromstring(twiml).iter(verb), None)  # noqa: S314 - from the service under test, on loopback
    return None if found is None else found.get("action")


class Calls:
    """Takes calls from the API; each rings and ends on its own, as the phone network's switch says."""

    def __init__(self, config: SandboxConfig, behaviours: Behaviours, caller: SignedCaller, errands: Errands) -> None:
        self.made: Ledger[Call] = Ledger()
        self._config, self._behaviours, self._caller, self._errands = config, behaviours, caller, errands

    def ring(self, call: Call) -> Call:
        """Accept a call; it is queued when this returns."""
        self.made.add(call.sid, call)
        self._errands.start(self._run(call))
        return call

    def to(self, number: str | None) -> list[Call]:
        """List the calls to a number, or all of them, newest first."""
        return [call for _, call in reversed(self.made.since(0)) if number in {None, call.recipient}]

    async def _run(self, call: Call) -> None:
        await asyncio.sleep(SECONDS_TO_RING)
        await self._becomes(call, "initiated", "ringing")
        await asyncio.sleep(SECONDS_TO_ANSWER)
        how = self._behaviours.phone_network.calls
        if how in {"answered", "machine"}:
            call.answered_by = ("human" if how == "answered" else "machine_start") if call.detects_machines else None
            await self._becomes(call, "answered", "in-progress")
            key = self._behaviours.phone_network.key
            if how == "answered" and call.keys_url and key:
                await self._do(call, call.keys_url, {"Digits": key})
            await self._becomes(call, "completed", "completed")
        else:
            await self._becomes(call, "completed", how)

    async def receive(self, sender: str, key: str = "", speaks: bool = False) -> Call:  # noqa: FBT001, FBT002
        """Let somebody ring Safe Return's number, press a key and speak. The call that returns has what they heard."""
        call = Call(sender, self._config.own_number, "", None, frozenset(), status="in-progress")
        self.made.add(call.sid, call)
        said = await self._do(call, self._config.voice_url, {})
        if key and (asks := action_of(said, "Gather")):
            said = await self._do(call, asks, {"Digits": key})
        if speaks and (records := action_of(said, "Record")):
            recording = f"RE{uuid.uuid4().hex}"
            url = f"https://api.twilio.com/2010-04-01/Accounts/{self._config.account_sid}/Recordings/{recording}"
            await self._do(call, records, {"RecordingSid": recording, "RecordingUrl": url, "RecordingDuration": "7"})
        call.status = "completed"
        return call

    async def _do(self, call: Call, url: str | None, what: dict[str, str]) -> str:
        """Tell the application, and hear what it says then."""
        form = status_form(call, self._config.account_sid) | what
        answer = await self._caller.call(url or "", form, str(uuid.uuid4()))
        said = "<Response/>" if answer is None else answer.body.decode()
        document = ET.fromstring(said)  # noqa: S314 - from the service under test, on loopback
        call.heard += [each.text or "" for each in document.iter("Say")]
        return said

    async def _becomes(self, call: Call, event: str, status: str) -> None:
        call.status = status
        if call.callback_url and event in call.callback_events:
            form = status_form(call, self._config.account_sid)
            await self._caller.call(call.callback_url, form, str(uuid.uuid4()))


def status_form(call: Call, account_sid: str) -> dict[str, str]:
    """Make the form of a call's status callback."""
    form = {
        "CallSid": call.sid,
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": call.sender,
        "To": call.recipient,
        "CallStatus": call.status,
        "Direction": "outbound-api",
    }
    return form | ({"AnsweredBy": call.answered_by} if call.answered_by else {})


def show_call(call: Call, account_sid: str) -> dict[str, Any]:
    """Show one call as the API does."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "from": call.sender,
        "from_formatted": call.sender,
        "to": call.recipient,
        "to_formatted": call.recipient,
        "status": call.status,
        "answered_by": call.answered_by,
        "direction": "outbound-api",
        "date_created": format_datetime(call.created_at),
        "date_updated": format_datetime(call.created_at),
        "start_time": None,
        "end_time": None,
        "duration": None,
        "price": None,
        "price_unit": "USD",
        "parent_call_sid": None,
        "phone_number_sid": None,
        "annotation": None,
        "group_sid": None,
        "forwarded_from": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"events": f"{uri}/Events.json"},
    }
