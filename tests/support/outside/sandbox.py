"""The sandbox in the test's own loop, and a recorder standing where Safe Return's services would."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from infra.sandbox.config import SandboxConfig
from infra.sandbox.outside_world import OutsideWorld, open_world
from infra.sandbox.server import serve
from tests.support.engines.ports import free_port

ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "the-account's-auth-token"
OWN_NUMBER = "+447700900500"
NOTIFY_NUMBER, NOTIFY_SENDER = "+447700900501", "8e222534-7f05-4972-86e3-17c5d9f894e2"
OWN_AT_TWILIO, OWN_AT_NOTIFY = "+447700900510", "+447700900511"
"""An authority's own."""
NOTIFY_IDS = {
    "service_id": "26785a09-ab16-4eb0-8407-a37497a57506",
    "secret": "3d844edf-8d35-48ac-975b-e847b4f122b0",
    "template_id": "f33517ff-2a88-4f6e-b855-c550268ce08a",
}
NOTIFY_KEY = f"safe_return-{NOTIFY_IDS['service_id']}-{NOTIFY_IDS['secret']}"
CARER, STAFF, STRANGER, LANDLINE = "+447700900101", "+447700900201", "+447700900999", "+441632960123"
NOTICE_SECRET, OLD_NOTICE_SECRET = "whsec_bm90aWNlLXNlY3JldC1ub3RpY2U=", "whsec_b2xkLW5vdGljZS1zZWNyZXQtb2xk"
REPLY_SECRET = "whsec_cmVwbHktc2VjcmV0LXJlcGx5LXM="
FORCE = "northmoor-police"
_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass
class Request:
    """One request as it came in."""

    url: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """A JSON body."""
        return dict(json.loads(self.body))


@dataclass
class Application:
    """Records what the outside world sends, and answers each path with the statuses it is told, then 200; 0 is no
    answer for half a second.
    """

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    answer: str = _EMPTY_TWIML

    def at(self, path: str) -> list[Request]:
        """Give the requests for one path, in order."""
        return [request for request in self.requests if request.path == path]

    async def handle(self, request: web.Request) -> web.Response:
        """Record and answer."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        body = b"" if form else await request.read()
        self.requests.append(Request(f"{self.url}{request.raw_path}", request.path, dict(request.headers), form, body))
        statuses = self.refusals.get(request.path, [])
        status = statuses.pop(0) if statuses else 200
        if not status:
            await asyncio.sleep(0.5)
        return web.Response(text=self.answer, status=status or 200, content_type="text/xml")


@dataclass
class Outside:
    """A running outside world and the application that it talks to."""

    world: OutsideWorld
    application: Application
    url: str
    scripts: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """Get a JSON document from the scripts' API."""
        return (await self.scripts.get(path, params=query)).raise_for_status().json()

    async def behave(self, part: str, **behaviour: Any) -> None:
        """Throw a switch."""
        (await self.scripts.put(f"/behaviours/{part}", json=behaviour)).raise_for_status()


@asynccontextmanager
async def play_outside_world(**changes: Any) -> AsyncIterator[Outside]:
    """Play the outside world on free ports; `changes` go into its config, {application} there is the recorder's URL."""
    application = Application()
    async with _serve_application(application), _serve_world(application, changes) as outside:
        yield outside


async def eventually(holds: Callable[[], Any], within: float = 90) -> None:
    """Wait until something holds. Fails with what it asked for when it never does."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - asks about anything, not about one event
            await asyncio.sleep(0.01)


def outside_config(application_url: str, changes: dict[str, Any] | None = None) -> SandboxConfig:
    """Write the cast: a carer, a member of staff who answers, one force."""
    cast = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "from": OWN_NUMBER,
        "notify": [
            {
                **NOTIFY_IDS,
                "number": NOTIFY_NUMBER,
                "senders": {NOTIFY_SENDER: OWN_AT_NOTIFY},
                "bearer": "receipts-token",
                "received_bearer": "received-token",
                "receipts_url": f"{application_url}/texts/notify/receipts",
                "received_url": f"{application_url}/texts/notify/received",
            }
        ],
        "further_numbers": [OWN_AT_TWILIO],
        "webhook_url": f"{application_url}/texts/inbound#rc=5&rp=all&rt=5000",
        "phones": [
            {"number": CARER, "name": "Maria Okafor", "role": "carer", "children": ["C17"]},
            {"number": STAFF, "name": "Duty social worker", "role": "staff", "answers": True},
        ],
        "desks": [
            {
                "force": FORCE,
                "name": "Northmoor Police control room",
                "secrets": [NOTICE_SECRET, OLD_NOTICE_SECRET],
                "reply_url": f"{application_url}/forces/{FORCE}/replies",
                "reply_secret": REPLY_SECRET,
            }
        ],
        "http_port": free_port(),
        "smtp_port": free_port(),
    }
    written = {
        name: value.format(application=application_url) if isinstance(value, str) else value
        for name, value in (changes or {}).items()
    }
    return SandboxConfig.model_validate(cast | written)


@asynccontextmanager
async def _serve_application(application: Application) -> AsyncIterator[None]:
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", application.handle)
    runner = web.AppRunner(server)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    application.url = f"http://127.0.0.1:{port}"
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _serve_world(application: Application, changes: dict[str, Any]) -> AsyncIterator[Outside]:
    config = outside_config(application.url, changes)
    url = f"http://127.0.0.1:{config.http_port}"
    async with open_world(config) as world, httpx.AsyncClient(base_url=url, timeout=60) as scripts:
        serving = asyncio.create_task(serve(world))
        await until_it_answers(scripts)
        try:
            yield Outside(world, application, url, scripts)
        finally:
            world.closing.set()
            await serving


async def until_it_answers(scripts: httpx.AsyncClient, within: float = 30) -> None:
    async with asyncio.timeout(within):
        while True:
            try:
                (await scripts.get("/health/ready")).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(0.01)
            else:
                return
