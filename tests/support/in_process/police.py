"""The police service in the test's process, against a verifying desk and a real relay, on a real PostgreSQL."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from infra.sandbox.server import Server
from services.options.polled_forces.polled import PolledSender, PollEndpoint
from services.platform.delivery.channels.channel import ChannelSender, SendRequest, SendResult
from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.links import Links
from services.platform.delivery.model import MediumName
from services.platform.delivery.sending.attempt import block_real_recipients
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register.organisations import Forces
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Listener
from services.platform.store.unit_of_work import Origin, Store
from services.police.handlers import Handlers
from services.police.notices.sender import NoticeSender
from services.police.notices.wording import NoticeEmail
from services.police.web.notice_page import DetailsPage, NoticePage, ReadingCodes
from services.police.web.webhooks import OpenListWebhook, ReplyWebhook, pages
from services.safeguarding.identifiers import trace_of
from tests.support.engines.database import Database
from tests.support.in_process.delivery import ACCEPTED, Floor, received
from tests.support.in_process.register import OTHER_SECRET, SECRET, authority, load
from tests.support.outside.desk import FaultyDesk, faulty_desk
from tests.support.tables import deliveries

REPLY_SECRET = OTHER_SECRET
LINK_KEY = b64encode(b"l" * 32).decode()
FORCE_MAILBOX = "control@northmoor.example"
CODE = re.compile(r"Safe Return: (\w{5}) opens the notice")
OFFICER = {"name": "PC Adeyemi", "collar_number": "NP 4127"}


@dataclass
class Police:
    """The police service in the test's process: its handler, its loop, its door."""

    floor: Floor
    handlers: Handlers
    http: httpx.AsyncClient
    force: str
    authority: str
    ids: dict[str, str]
    desk: FaultyDesk
    keyring: Keyring
    relay: "PlayedRelay"
    phone: "PlayedRelay"
    """Of the control room."""
    document: dict[str, Any]
    casework: AsyncEngine

    async def register(self) -> None:
        """Imports `document` anew, as changed."""
        await load(self.casework, self.keyring, self.document, datetime.now(UTC))

    async def tell(self, child: str = "C1", **about: Any) -> Any:
        subject = self.ids.get(child, child)
        told = received(
            child=subject,
            exercise=bool(about.pop("exercise", False)),
            **({"force": self.force, "authority": self.authority} | about),
        )
        told = replace(told, trace=trace_of(told.source, told.id))
        async with self.floor.store.transaction() as uow:
            await self.handlers.on_police_notify(told, uow)
        return told

    async def notice(self, **about: Any) -> tuple[Any, dict[str, Any]]:
        """A notice that the desk has: the duty, and the body."""
        told = await self.tell(**about)
        await self.floor.until(told.content.telling, "accepted")
        body = next(each.body for each in self.desk.received if each.id == str(told.content.telling))
        return told, json.loads(body)

    async def reply(
        self,
        about: dict[str, Any] | bytes,
        *,
        id: str | None = None,  # noqa: A002
        secret: str = REPLY_SECRET,
        force: str | None = None,
        off: timedelta = timedelta(),
        door: str = "replies",
    ) -> httpx.Response:
        body = about if isinstance(about, bytes) else json.dumps(about).encode()
        now, reply_id = datetime.now(UTC) + off, id or f"msg_{uuid4().hex}"
        signature = Webhook(secret).sign(reply_id, now, body.decode(errors="replace"))
        headers = {
            "webhook-id": reply_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return await self.http.post(f"/forces/{force or self.force}/{door}", content=body, headers=headers)

    async def open_notice(self, path: str, **form: str) -> httpx.Response:
        """As an officer who hears the code in the control room."""
        who = {"name": OFFICER["name"], "collar": OFFICER["collar_number"]}
        await self.http.post(path, data={"answer": "ring"} | who)
        return await self.http.post(path, data={"answer": "read", "code": self.code()} | who | form)

    def code(self) -> str:
        """The one that was sent last."""
        found = CODE.search(self.phone.sent[-1].body)
        assert found is not None
        return found[1]

    async def looked_up(self, told: Any) -> list[str]:
        """The fields of the register that were read to prepare the telling, as its only attempt says."""
        [attempt] = [
            each["data"]
            for each in await self.said_since(told, ("delivery.attempted",))
            if each["data"]["delivery"] == str(told.content.telling)
        ]
        assert attempt["purpose"] == told.content.wording
        read: list[str] = attempt["looked_up"]
        return read

    async def said_since(self, told: Any, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
        return [each for each in await self.floor.said(told.subject) if each["type"].startswith(kinds)]


def answer(told: Any, kind: str = "police.acknowledged", **data: Any) -> dict[str, Any]:
    content = told.content
    about = {"notice": str(content.telling), "episode": str(content.episode), "officer": OFFICER} | data
    return {"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": about}


def by_mail(document: dict[str, Any]) -> None:
    """The force has no API."""
    force = document["forces"][0]
    force |= {"notice_url": None, "secrets": [], "reply_secrets": [], "notice_email": FORCE_MAILBOX}


@dataclass
class PlayedRelay:
    """Keeps what it is given; the real one is tests/integration/delivery/test_email_channel.py's."""

    sent: list[SendRequest] = field(default_factory=list)
    name: MediumName = "email"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, sending: SendRequest) -> SendResult:
        self.sent.append(sending)
        return ACCEPTED


@asynccontextmanager
async def police_of(
    database: Database,
    keyring: Keyring,
    change: Callable[[dict[str, Any]], None] = lambda _document: None,
    *,
    mails: ChannelSender | None = None,
    port: int | None = None,
) -> AsyncIterator[Police]:
    """`change` alters the authority's document before it is imported. `port`: where the pages are served for real."""
    casework, engine = database.engine("casework"), database.engine("police")
    async with faulty_desk(SECRET) as desk:
        async with engine.begin() as connection:
            await connection.execute(update(deliveries).values(state="withdrawn"))
        document = authority()
        document["forces"][0]["notice_url"] = desk.url
        change(document)
        ids = await load(casework, keyring, document, datetime.now(UTC))
        relay, phone = PlayedRelay(), PlayedRelay()
        played = running(engine, keyring, sandbox=True, relay=mails or relay, phone=phone, port=port)
        async with played as (floor, handlers, http):
            name, force = document["authority"]["id"], document["forces"][0]["id"]
            yield Police(floor, handlers, http, force, name, ids, desk, keyring, relay, phone, document, casework)
    await casework.dispose()
    await engine.dispose()


@asynccontextmanager
async def running(
    engine: AsyncEngine,
    keyring: Keyring,
    *,
    sandbox: bool,
    relay: ChannelSender | None = None,
    phone: ChannelSender | None = None,
    exercise_authority: str = "",
    port: int | None = None,
) -> AsyncIterator[tuple[Floor, Handlers, httpx.AsyncClient]]:
    clocks, medium = Clocks(), WebhookMedium(sandbox=True)
    forces = Forces(keyring, clocks)
    store = Store(engine, origin=Origin("police", clocks))
    at = "http://police" if port is None else f"http://127.0.0.1:{port}"
    links = Links(LINK_KEY, at)
    sender = NoticeSender(keyring, clocks, links, forces, medium.trust)
    loop = DeliveryLoop(
        "police",
        store,
        clocks,
        medium,
        keyring=keyring,
        prepare=block_real_recipients(sender.prepare, sandbox=sandbox, exercise_authority=exercise_authority),
        secrets=sender.secrets,
        others=[NoticeEmail(relay or PlayedRelay(), links, "safe-return@kestrel.example"), PolledSender()],
    )
    codes = ReadingCodes(keyring, clocks, forces, phone or PlayedRelay())
    served = pages(
        links,
        clocks,
        ReplyWebhook(store, clocks, keyring, forces),
        OpenListWebhook(store, clocks, forces),
        NoticePage(store, clocks, keyring, codes),
        DetailsPage(store, clocks, keyring, codes),
    )
    PollEndpoint(store, clocks, keyring, forces).mount(served)
    listener = Listener(engine.url, store.channels)
    await listener.start()
    await loop.start()
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url=at) as http,
        listening(served, port),
    ):
        yield Floor(loop, store, clocks), Handlers(loop, clocks), http
    await loop.stop()
    await listener.stop()


@asynccontextmanager
async def listening(served: FastAPI, port: int | None) -> AsyncIterator[None]:
    """For the sandbox, which comes over HTTP."""
    if port is None:
        yield
        return
    server = Server(uvicorn.Config(served, port=port, log_level="warning", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
