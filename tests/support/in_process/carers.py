"""The carers service in-process on a real PostgreSQL, and the phones that text to it. What goes out is read from the tables."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from twilio.request_validator import RequestValidator

from services.carers.card import Card
from services.carers.conversation.worker import TextWorker
from services.carers.handlers import Alerts, Handlers
from services.carers.inbound.intake import Intake, Spool
from services.carers.inbound.probes import Probes
from services.carers.inbound.web import pages
from services.carers.policy.strangers_share import DoorShare, StrangersShare
from services.carers.settings import CarersSettings
from services.options.second_text_way.notify import NotifyWay
from services.platform.delivery.channels.sms import TwilioWay
from services.platform.delivery.channels.text_ways import Texts
from services.platform.delivery.queue.repository import BODY
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.delivery.sms_status.receipts import Receipts
from services.platform.delivery.sms_status.webhook import CallKeys
from services.platform.messages.envelope import Received, read
from services.platform.register.keys import data_key
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.message import Message
from tests.support.engines.database import Database
from tests.support.in_process.register import authority, fresh_number, load, number_of
from tests.support.outside.confirmation import CONFIRM

TOKEN, OTHER_TOKEN, BEARER = "a-token", "the-other-token", "notifys-token"
TWILIO_NUMBER, NOTIFY_NUMBER = "+447700900500", "+447700900501"
ALL_AT_ONCE = 1_000_000
"""`work` reads all that has come, whoever sent it."""
KEY = SecretStr(b64encode(b"k" * 32).decode())
ACCOUNT_SID = "AC" + "0" * 32
PUBLIC_URL = "https://texts.kestrel.example"


@dataclass
class Kestrel:
    """An authority of this test's own: a foster couple (ash, bea) with C1 and C2, a home (resi) with six, duty staff."""

    document: dict[str, Any]
    ids: dict[str, str]

    def phone(self, person: str) -> str:
        return number_of(self.document, person)


async def import_kestrel(database: Database, keyring: Keyring) -> Kestrel:
    engine = database.engine("casework")
    document = authority()
    document["placements"].append({**document["placements"][0], "reference": "solo"})
    document["people"].append(
        {**document["people"][0], "reference": "cat", "name": "Cat Example", "mobile": fresh_number()}
    )
    document["carers"].append({"person": "cat", "placement": "solo"})
    document["children"].append(
        {**document["children"][0], "reference": "C9", "code": "C9", "name": "Yusuf Haile", "placement": "solo"}
    )
    ids = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    await engine.dispose()
    return Kestrel(document, ids)


@dataclass
class Carers:
    """Nothing runs by itself: `work` reads what has come in."""

    client: httpx.AsyncClient
    store: Store
    keyring: Keyring
    intake: Intake
    worker: TextWorker
    handlers: Handlers
    spool: Spool

    async def text(self, sender: str, body: str, *, sid: str | None = None, **changes: Any) -> httpx.Response:
        """As Twilio posts it, signed; `token`, `url` and `signature` to do it wrongly."""
        token, url = changes.pop("token", TOKEN), changes.pop("url", f"{PUBLIC_URL}/texts/inbound")
        signature = changes.pop("signature", None)
        form = {
            "MessageSid": sid or f"SM{uuid4().hex}",
            "AccountSid": ACCOUNT_SID,
            "From": sender,
            "To": TWILIO_NUMBER,
            "Body": body,
            "NumMedia": "0",
        } | changes
        form = {name: value for name, value in form.items() if value is not None}
        headers = {"X-Twilio-Signature": signature or RequestValidator(token).compute_signature(url, form)}
        return await self.client.post("/texts/inbound", data=form, headers=headers)

    async def text_by_notify(self, sender: str, body: str, *, bearer: str = BEARER, **changes: Any) -> httpx.Response:
        """As GOV.UK Notify posts it."""
        document = {
            "id": str(uuid4()),
            "source_number": sender.removeprefix("+"),
            "destination_number": NOTIFY_NUMBER.removeprefix("+"),
            "message": body,
            "date_received": now().isoformat(),
        }
        headers = {"Authorization": f"Bearer {bearer}"}
        return await self.client.post("/texts/notify/received", json=document | changes, headers=headers)

    async def call(self, path: str, sender: str, *, signature: str | None = None, **form: str) -> httpx.Response:
        """As Twilio's voice posts it, signed."""
        url, form = f"{PUBLIC_URL}/calls/{path}", {"AccountSid": ACCOUNT_SID, "From": sender} | form
        headers = {"X-Twilio-Signature": signature or RequestValidator(TOKEN).compute_signature(url, form)}
        return await self.client.post(f"/calls/{path}", data=form, headers=headers)

    async def says(self, sender: str, body: str, **changes: Any) -> list[Received[Message]]:
        """Texts, has it read, and gives what was said on the bus because of it."""
        await self.work()
        before = await self.last_position()
        assert (await self.text(sender, body, **changes)).status_code == 200
        await self.work()
        return await self.said_after(before)

    async def confirms(self, sender: str, **changes: Any) -> list[Received[Message]]:
        """Texts back what the latest reply asks for, such as BACK K7M2."""
        asked = CONFIRM.search((await self.replies_to(sender))[-1])
        assert asked is not None, "no reply asks for a code"
        return await self.says(sender, asked[0], **changes)

    async def work(self) -> None:
        while await self.worker._turn():
            pass

    async def said_after(self, position: int) -> list[Received[Message]]:
        async with self.store.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT envelope FROM outbox WHERE position > :p ORDER BY position"), {"p": position}
            )
            return [read(bytes(row.envelope)) for row in rows]

    async def replies_to(self, number: str) -> list[str]:
        """Bodies, oldest first, as they will go out."""
        async with self.store.engine.begin() as connection:
            rows = await connection.execute(
                text(
                    "SELECT body, key_owner FROM delivery.deliveries WHERE number_hash = :n AND kind IS NULL ORDER BY created_at"
                ),
                {"n": self.keyring.number_hash(number)},
            )
            return [
                (await data_key(connection, self.keyring, row.key_owner)).open(bytes(row.body), BODY) for row in rows
            ]

    async def last_position(self) -> int:
        async with self.store.engine.connect() as connection:
            return int(await connection.scalar(text("SELECT coalesce(max(position), 0) FROM outbox")) or 0)


def settings_for(database: Database, spool: Path, **changes: Any) -> CarersSettings:
    own = {
        "master_key": KEY,
        "phone_key": KEY,
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": SecretStr(TOKEN),
        "twilio_auth_token_alternate": SecretStr(OTHER_TOKEN),
        "twilio_from": TWILIO_NUMBER,
        "notify_bearer": SecretStr(BEARER),
        "public_url": PUBLIC_URL,
        "spool_dir": spool,
        "sandbox": False,
    }
    return CarersSettings(**{**database.settings("carers").model_dump(), **own, **changes})


@asynccontextmanager
async def carers(
    database: Database, keyring: Keyring, spool_folder: Path, *, engine: AsyncEngine | None = None, **changes: Any
) -> AsyncIterator[Carers]:
    settings = settings_for(database, spool_folder, **changes)
    clocks = Clocks()
    store = Store(engine or connect(settings, "carers"), origin=Origin("carers", clocks))
    twilio = TwilioWay(account_sid="AC0", tokens=lambda: (TOKEN,), number=TWILIO_NUMBER, public_url=PUBLIC_URL)
    texts = Texts(twilio, NotifyWay(api_key=f"test-{uuid4()}-{uuid4()}", template=str(uuid4()), number=NOTIFY_NUMBER))
    delivery = _Unsent("carers", store, clocks, texts, keyring=keyring, prepare=Alerts(keyring, clocks).prepare)
    worker = TextWorker(store, keyring, clocks, delivery, settings.authority, StrangersShare(ALL_AT_ONCE))
    spool = Spool(spool_folder, keyring)
    intake = Intake(store, keyring, spool, worker.loop.wake, DoorShare(ALL_AT_ONCE))
    card = Card(store, [TWILIO_NUMBER, NOTIFY_NUMBER], settings.authority)
    keys = CallKeys(store, clocks, keyring, PUBLIC_URL)
    app = pages(intake, Receipts("carers", store, clocks), keys, clocks, settings, card, Probes(store, clocks, texts))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8102") as client:
        yield Carers(client, store, keyring, intake, worker, Handlers(delivery, clocks), spool)
    await store.close()


class _Unsent(DeliveryLoop):
    """Writes its rows and sends nothing: there is no Twilio in these tests."""

    async def put(self, uow: Any, delivery: Any) -> bool:
        from services.platform.delivery.queue import repository as deliveries

        return await deliveries.put(uow, "carers", delivery, self._keyring, None)


def kinds(said: list[Received[Message]]) -> list[str]:
    return [each.content.kind for each in said]


def now() -> datetime:
    return datetime.now(UTC)


def as_json(response: httpx.Response) -> dict[str, Any]:
    return dict(json.loads(response.content))


@pytest.fixture
async def kestrel(database: Database, keyring: Keyring) -> Kestrel:
    return await import_kestrel(database, keyring)


@pytest.fixture
async def service(database: Database, keyring: Keyring, tmp_path: Path, kestrel: Kestrel) -> AsyncIterator[Carers]:
    name = kestrel.document["authority"]["id"]
    async with carers(database, keyring, tmp_path / "spool", authority=name) as running:
        yield running
