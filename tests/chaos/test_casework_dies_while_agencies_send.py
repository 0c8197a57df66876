"""Casework killed at each step of taking something in, and again and again while agencies send: what they repeat is there once."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from services.options.register_upkeep.photographs import redrawn
from services.platform.messages.envelope import read
from services.platform.register.police_notice import photograph_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.safeguarding.identifiers import derived
from tests.support.engines.bus import wait_for_port
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.casework import import_bearer, taken
from tests.support.in_process.register import SECRET, authority, load
from tests.support.signatures import give_keys

EVENTS = int(os.environ.get("EVENTS", "90"))
SENDERS = 6
DEATHS = 6
OLD, NEW = (taken(size=size) for size in ((60, 40), (40, 60)))
KEPT_OLD, KEPT_NEW = (redrawn(each, "image/jpeg") for each in (OLD, NEW))

pytestmark = [pytest.mark.crash, pytest.mark.timeout(450)]


class Casework:
    """A process, on the tests' database; Kafka is away, so that all it says lies in its outbox."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        secrets = folder / "secrets"
        secrets.mkdir()
        for name, secret in (
            ("database_password", database.settings("casework").database_password.get_secret_value()),
            ("master_key", b64encode(b"m" * 32).decode()),
            ("phone_key", b64encode(b"p" * 32).decode()),
        ):
            (secrets / name).write_text(secret)
        give_keys(secrets, "casework")
        self._environment = bare() | {
            "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
            "SAFE_RETURN_KAFKA": "127.0.0.1:1",
            "SAFE_RETURN_SECRETS_DIR": str(secrets),
            "SAFE_RETURN_HTTP_PORT": str(port),
        }
        self._log = folder / "casework.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, dies_at: str | None = None) -> None:
        """Returns when it listens."""
        module = ["services", "run"] if dies_at is None else ["tests.support.crashes.crash_at", dies_at, "1"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *module, "casework"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        wait_for_port(self.url.removeprefix("http://"))

    def died(self) -> bool:
        assert self._process is not None
        return self._process.wait(60) == -signal.SIGKILL

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(60)


class Agency:
    """Sends each event under its id until it is taken, as docs/integrating/agencies/send.py does."""

    def __init__(self, url: str, name: str) -> None:
        self.source = f"/agencies/{name}-hospital"
        self.photograph = f"/register/{name}/children/C1/photograph"
        self.taken, self.repeats = 0, 0
        self._http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)

    def event(self, child: str) -> bytes:
        whole: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": self.source,
            "type": "child.reported-missing.v1",
            "subject": child,
            "time": datetime.now(UTC).isoformat(),
            "data": {"words": ["Not in the ward."]},
        }
        return json.dumps(whole).encode()

    async def send(self, event: bytes) -> httpx.Response:
        """Once. Raises httpx.TransportError where casework dies."""
        now = datetime.now(UTC)
        signed = {
            "content-type": "application/cloudevents+json",
            "webhook-id": "msg-1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("msg-1", now, event.decode()),
        }
        return await self._http.post("/events", content=event, headers=signed)

    async def send_until_taken(self, event: bytes) -> dict[str, Any]:
        while True:
            with suppress(httpx.TransportError):
                answer = await self.send(event)
                if answer.status_code == 202:
                    self.taken += 1
                    taken: dict[str, Any] = answer.json()
                    return taken
                assert answer.status_code >= 500, answer.text
            self.repeats += 1
            await asyncio.sleep(0.1)

    async def send_photograph(self, content: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer token-of-{self.photograph.split('/')[2]}", "content-type": "image/jpeg"}
        return await self._http.put(self.photograph, content=content, headers=headers)

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
def casework(database: Database, tmp_path: Path) -> Iterator[Casework]:
    process = Casework(database, tmp_path)
    yield process
    process.kill()


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    opened = database.engine("casework")
    yield opened
    await opened.dispose()


async def _settled(engine: AsyncEngine, keyring: Keyring) -> tuple[str, dict[str, str]]:
    """A fresh authority's name, and its children."""
    document = authority()
    name: str = document["authority"]["id"]
    ids = await load(engine, keyring, document, datetime(2026, 11, 24, tzinfo=UTC))
    await import_bearer(engine, document["authority"]["id"])
    return name, {each["reference"]: ids[each["reference"]] for each in document["children"]}


def _id_on_the_bus(event: str | bytes) -> str:
    sent = json.loads(event)
    return str(derived("agency event", sent["source"], sent["id"]))


def _said_and_kept(database: Database, children: list[str]) -> tuple[Counter[str], int]:
    """How often each event lies in the outbox, by id; and how many words the register holds of these children."""
    with psycopg.connect(database.admin_url) as connection:
        said = connection.execute("SELECT envelope FROM casework.outbox WHERE key = ANY(%s)", (children,)).fetchall()
        kept = connection.execute("SELECT count(*) FROM register.words WHERE about = ANY(%s)", (children,)).fetchone()
    assert kept is not None
    return Counter(read(bytes(envelope)).id for (envelope,) in said), kept[0]


@pytest.mark.parametrize("step", ["event-written", "committed", "event-taken"])
async def test_an_event_is_there_once_though_casework_dies_at(
    casework: Casework, database: Database, engine: AsyncEngine, keyring: Keyring, step: str
) -> None:
    name, children = await _settled(engine, keyring)
    casework.start(dies_at=step)
    agency = Agency(casework.url, name)
    event = agency.event(children["C1"])
    with pytest.raises(httpx.TransportError):
        await agency.send(event)
    assert casework.died()
    casework.start()
    answers = [await agency.send_until_taken(event) for _ in range(2)]
    assert {answer["child"] for answer in answers} == {children["C1"]}
    said, words = _said_and_kept(database, [children["C1"]])
    assert said == {_id_on_the_bus(event): 1}
    assert words == 1
    await agency.close()


@pytest.mark.parametrize(("step", "holds"), [("photograph-written", KEPT_OLD), ("photograph-taken", KEPT_NEW)])
async def test_a_photograph_is_the_older_or_the_newer_whole_though_casework_dies_at(
    casework: Casework, engine: AsyncEngine, keyring: Keyring, step: str, holds: bytes
) -> None:
    name, children = await _settled(engine, keyring)
    casework.start()
    agency = Agency(casework.url, name)
    assert (await agency.send_photograph(OLD)).status_code == 204
    casework.kill()
    casework.start(dies_at=step)
    with pytest.raises(httpx.TransportError):
        await agency.send_photograph(NEW)
    assert casework.died()
    assert await _picture(engine, keyring, children["C1"]) == holds
    casework.start()
    assert (await agency.send_photograph(NEW)).status_code == 204
    assert await _picture(engine, keyring, children["C1"]) == KEPT_NEW
    await agency.close()


async def test_every_event_is_there_once_through_kills_while_agencies_repeat_what_was_not_answered(
    casework: Casework, database: Database, engine: AsyncEngine, keyring: Keyring
) -> None:
    name, children = await _settled(engine, keyring)
    agency = Agency(casework.url, name)
    events = [agency.event(child) for child, _ in zip(itertools.cycle(children.values()), range(EVENTS), strict=False)]
    waiting = iter(events)
    await asyncio.to_thread(casework.start)
    started = time.monotonic()

    async def send_one_after_another() -> None:
        for event in waiting:
            await agency.send_until_taken(event)

    sending = asyncio.gather(*(send_one_after_another() for _ in range(SENDERS)))
    for death in range(1, DEATHS + 1):
        while agency.taken < EVENTS * death // (DEATHS + 1):  # noqa: ASYNC110 other tasks bring it about
            await asyncio.sleep(0.005)
        await asyncio.to_thread(casework.kill)
        await asyncio.to_thread(casework.start)
    await sending
    took = time.monotonic() - started
    said, words = _said_and_kept(database, list(children.values()))
    print(f"{EVENTS} events in {took:.0f} s through {DEATHS} kills of casework: {agency.repeats} attempts unanswered")
    assert said == {_id_on_the_bus(event): 1 for event in events}
    assert words == EVENTS
    assert agency.repeats >= SENDERS
    await agency.close()


async def _picture(engine: AsyncEngine, keyring: Keyring, child: str) -> bytes | None:
    async with engine.connect() as connection:
        found = await Reader(connection).fetch(photograph_of(keyring, child))
    return None if found is None else found.picture
