"""The audit as a process that dies by kill -9 between any two steps: no entry is lost, none is doubled, every chain holds."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from services.audit.policy.evidence import read
from services.platform.messages.envelope import Raw, compose
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing, ChildReturned
from services.safeguarding.duty.decisions import MessageDecided
from services.safeguarding.identifiers import new_id, provisional_child
from services.safeguarding.message import Topic
from tests.support.engines.bus import Kafka, running_kafka, wait_for_port
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.in_process.audit import entries_of, faults, opened, tamper
from tests.support.signatures import give_keys, say

CHILDREN = 6
MESSAGES_A_ROUND = 60
DEATHS = {"handled": 30, "settled": 2, "acknowledged": 2}
"""At which message, or which group of messages: handled and not committed; committed and not acknowledged; acknowledged."""
CAUGHT_UP_WITHIN_SECONDS = 180

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def environment(kafka: Kafka, database: Database, tmp_path: Path) -> dict[str, str]:
    password = database.settings("audit").database_password.get_secret_value()
    (tmp_path / "database_password").write_text(password)
    give_keys(tmp_path, "audit")
    return bare() | {
        "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
        "SAFE_RETURN_KAFKA": kafka.address,
        "SAFE_RETURN_SECRETS_DIR": str(tmp_path),
        "SAFE_RETURN_HTTP_PORT": str(free_port()),
        "SAFE_RETURN_SLOT": "0",
    }


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with opened(database) as store:
        yield store


@pytest.fixture
async def bus(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    await producer.start()
    yield producer
    await producer.stop()


async def test_though_it_is_killed_at_every_step_each_message_is_one_entry(
    environment: dict[str, str], store: Store, bus: AIOKafkaProducer, tmp_path: Path
) -> None:
    children = [new_id("child") for _ in range(CHILDREN)]
    said: dict[str, list[str]] = {child: [] for child in children}
    for step, nth in DEATHS.items():
        dying = _start(environment, tmp_path, "tests.support.crashes.crash_at", step, str(nth), "audit")
        await _say(bus, said)
        assert await asyncio.to_thread(dying.wait, 180) == -signal.SIGKILL, (tmp_path / "log").read_text()
    two = [
        _start(environment | {"SAFE_RETURN_SLOT": str(slot)}, tmp_path, "services", "run", "audit") for slot in (0, 1)
    ]
    await asyncio.to_thread(wait_for_port, f"127.0.0.1:{environment['SAFE_RETURN_HTTP_PORT']}")
    await _say(bus, said)
    two[0].kill()
    await asyncio.to_thread(two[0].wait, 60)
    two[0] = _start(environment, tmp_path, "services", "run", "audit")
    await _say(bus, said)
    try:
        recorded = await _all_recorded(store, said)
    finally:
        for each in two:
            each.terminate()
            await asyncio.to_thread(each.wait, 60)
    for child in children:
        assert Counter(recorded[child]) == Counter(said[child])
        assert await faults(store, child) == []


@pytest.fixture
def own_kafka(tmp_path: Path, database: Database) -> Iterator[Kafka]:
    """Rewound, which every other test would notice."""
    with running_kafka(tmp_path / "own", database) as running:
        yield running


async def test_a_restored_record_gets_back_what_the_bus_still_has_and_gives_back_what_it_lost(
    own_kafka: Kafka, environment: dict[str, str], database: Database, store: Store, tmp_path: Path
) -> None:
    """`rewind`, after the database lost what came since its copy; `audit replay`, after the bus did."""
    environment |= {"SAFE_RETURN_KAFKA": own_kafka.address, "SAFE_RETURN_SLOT": "2"}
    began = datetime.now(UTC).isoformat()
    said: dict[str, list[str]] = {new_id("child"): []}
    (child,) = said
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.address) as bus:
        running = _start(environment, tmp_path, "services", "run", "audit")
        await _say(bus, said)
        await _all_recorded(store, said)
        refused = await asyncio.to_thread(_order, environment, "rewind", began)
        assert (refused.returncode, refused.stderr[:17]) == (2, "audit still reads")
        await _stopped(running)
        await tamper(database, "DELETE FROM audit.entries WHERE chain = :chain", chain=child)
        await tamper(database, "DELETE FROM audit.inbox WHERE message_id = ANY(:names)", names=said[child])
        await _rewound(environment, began)
        running = _start(environment, tmp_path, "services", "run", "audit")
        assert Counter((await _all_recorded(store, said))[child]) == Counter(said[child])
        await _stopped(running)
    again = await asyncio.to_thread(_order, environment, "audit", "replay", began)
    assert "are on the bus again" in again.stdout, again.stderr
    assert await asyncio.to_thread(_count_on, own_kafka, child) == 2 * MESSAGES_A_ROUND


async def test_what_is_forged_is_on_the_record_as_refused_and_never_as_said(
    environment: dict[str, str], store: Store, bus: AIOKafkaProducer, tmp_path: Path
) -> None:
    child, returned = new_id("child"), ChildReturned(authority="kestrel")
    forged = [
        compose(returned, said_by="carers", subject=child, at=datetime.now(UTC)),
        say(returned, by="clock", subject=child, at=datetime.now(UTC)),
    ]
    said: dict[str, list[str]] = {child: []}
    running = _start(environment, tmp_path, "services", "run", "audit")
    try:
        origins = [await bus.send_and_wait(Topic.CHILD_EVENTS, each, key=child.encode()) for each in forged]
        await _say(bus, said)
        raws = [
            Raw(content, Topic.CHILD_EVENTS, f"{each.topic}/{each.partition}/{each.offset}")
            for content, each in zip(forged, origins, strict=True)
        ]
        chains = [provisional_child(each.identity) for each in raws]
        recorded = await _all_recorded(store, said | {chain: ["the letter"] for chain in chains})
    finally:
        await _stopped(running)
    assert Counter(recorded[child]) == Counter(said[child])
    async with store.engine.connect() as connection:
        letters = [json.loads(each.envelope) for chain in chains for each in await entries_of(connection, chain)]
    assert [each["data"]["reason"] for each in letters] == ["refused: unsigned", "refused: may-not-say"]


def _order(environment: dict[str, str], *order: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services", *order]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


async def _rewound(environment: dict[str, str], to: str) -> None:
    """Kafka holds a stable member's place for a few seconds after it has stopped."""
    async with asyncio.timeout(120):
        while (done := await asyncio.to_thread(_order, environment, "rewind", to)).returncode == 2:
            pass
    assert "audit" in done.stdout


async def _stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    await asyncio.to_thread(process.wait, 60)


def _count_on(kafka: Kafka, child: str) -> int:
    consumer = KafkaConsumer(
        Topic.CHILD_EVENTS, Topic.EVIDENCE, bootstrap_servers=kafka.address, auto_offset_reset="earliest",
        consumer_timeout_ms=10_000, group_id=None,
    )  # fmt: skip
    try:
        return sum(1 for record in consumer if record.key == child.encode())
    finally:
        consumer.close()


async def _say(bus: AIOKafkaProducer, said: dict[str, list[str]]) -> None:
    """On two topics, which the audit hears side by side."""
    for number in range(MESSAGES_A_ROUND):
        child, name = list(said)[number % len(said)], str(uuid4())
        content: ChildReportedMissing | MessageDecided = ChildReportedMissing(authority="kestrel")
        if number // len(said) % 2:
            content = MessageDecided(authority="kestrel", about="-", about_id="-", verdicts=(), duties=())
        raw = say(content, subject=child, at=datetime.now(UTC), message_id=name)
        await bus.send_and_wait(content.topic, raw, key=child.encode())
        said[child].append(name)


async def _all_recorded(store: Store, said: dict[str, list[str]]) -> dict[str, list[str]]:
    recorded: dict[str, list[str]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(CAUGHT_UP_WITHIN_SECONDS):
            while any(len(recorded.get(child, ())) < len(names) for child, names in said.items()):
                await asyncio.sleep(0.2)
                async with store.engine.connect() as connection:
                    recorded = {
                        child: [read(entry).id for entry in await entries_of(connection, child)] for child in said
                    }
    return recorded


def _start(environment: dict[str, str], folder: Path, *module: str) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-m", *module]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
