"""A real Kafka for bus tests, and the echo service as a process to kill."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, cast
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka.broker import Broker
from infra.local.engines import class_cache
from infra.local.settings.environment import bare
from infra.local.settings.layout import JARS, ROOT
from services.platform.bus import administration
from services.platform.bus.connection import Connection
from services.platform.messages.envelope import Received, read
from services.platform.runtime.settings import KafkaSettings, TopicSettings
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import MessageDeadLettered, ProtocolDecided
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from tests.support.engines.alone import require_alone
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.signatures import give_keys, say

UP_WITHIN_SECONDS = 180


@dataclass
class Kafka:
    address: str
    secrets: Path

    @property
    def connection(self) -> Connection:
        return Connection(KafkaSettings(kafka=self.address))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, postgres: Database) -> Iterator[Kafka]:
    with running_kafka(tmp_path_factory.mktemp("kafka"), postgres) as running:
        yield running


class MortalKafka:
    """A broker that a test may kill, and whose disk it may hurt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "kafka"
        self._broker = Broker(self._folder, class_cache.fetch(JARS), free_port(), free_port())
        self.make_log = self._broker.make_log
        self.address = self._broker.address
        self._running: subprocess.Popen[bytes] | None = None
        self.make_log()

    def start(self) -> None:
        """Returns when it answers and has its topics."""
        self._running = subprocess.Popen(
            self._broker.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=bare(),
            start_new_session=True,
        )
        until = time.monotonic() + UP_WITHIN_SECONDS
        while not self._broker.answers():
            assert time.monotonic() < until, "Kafka did not come up"
        administration.create(TopicSettings(kafka=self.address))

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait(90)

    def lose_the_end(self, topic: Topic, share: float) -> None:
        """As a disk does that had not written what it said: of each partition's last segment this share is gone."""
        for segment in (self._folder / "log").glob(f"{topic}-*/*.log"):
            os.truncate(segment, int(segment.stat().st_size * (1 - share)))


@contextmanager
def running_kafka(folder: Path, database: Database) -> Iterator[Kafka]:
    """For a test whose messages would be in the way of every other's."""
    require_alone()
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "database_password").write_text(database.settings("protocol").database_password.get_secret_value())
    give_keys(secrets, "protocol")
    broker = MortalKafka(folder)
    try:
        broker.start()
        yield Kafka(broker.address, secrets)
    finally:
        broker.kill()


class Echo:
    """The echo service. `stop` and `kill` end it; `start` brings it up again under the same identity."""

    def __init__(self, kafka: Kafka, database_port: int, *, keeps_a_record: bool = False, slot: int = 0) -> None:
        """`keeps_a_record`: it takes messages in batches, as the audit and the console do."""
        self._port = free_port()
        self._environment = bare() | {
            "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database_port}/safe_return",
            "SAFE_RETURN_KAFKA": kafka.address,
            "SAFE_RETURN_SECRETS_DIR": str(kafka.secrets),
            "SAFE_RETURN_HTTP_PORT": str(self._port),
            "SAFE_RETURN_SLOT": str(slot),
            "ECHO_IN_BATCHES": "1" if keeps_a_record else "0",
        }
        self.log = kafka.secrets.parent / f"echo-{slot}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, *, mended: bool = False) -> None:
        """Returns when it takes messages."""
        environment = self._environment | ({"ECHO_MENDED": "1"} if mended else {})
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.crashes.echo_service"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(f"127.0.0.1:{self._port}")

    def end(self, number: signal.Signals) -> int:
        """Returns the exit code."""
        assert self._process is not None
        if self._process.poll() is not None:
            return self._process.returncode
        os.kill(self._process.pid, number)
        return self.ended()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(60)


@pytest.fixture
def keeps_a_record() -> bool:
    """A module that tests it the other way says so."""
    return False


@pytest.fixture
def echo(kafka: Kafka, database: Database, *, keeps_a_record: bool) -> Iterator[Echo]:
    service = Echo(kafka, database.port, keeps_a_record=keeps_a_record)
    service.start()
    yield service
    service.end(signal.SIGTERM)


@dataclass
class Line:
    """The test's own end of the bus: reports go in, decisions and dead letters come out."""

    kafka: Kafka
    sent: list[str] = field(default_factory=list)
    decided: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    dead: list[Received[MessageDeadLettered]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self.kafka.address)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.address, auto_offset_reset="latest")
        await self._producer.start()
        await self._consumer.start()
        partitions = [
            TopicPartition(topic, each) for topic in (Topic.EVIDENCE, Topic.DEAD_LETTERS) for each in range(12)
        ]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await self._producer.stop()
        await self._consumer.stop()

    async def report(self, child: str | None = None, authority: str = "kestrel") -> str:
        report, subject = str(uuid4()), child or new_id("child")
        content = ChildReportedMissing(authority=authority)
        raw = say(content, subject=subject, at=datetime.now(UTC), message_id=report)
        await self.raw(raw, subject)
        self.sent.append(report)
        return report

    async def raw(self, raw: bytes, key: str) -> None:
        await self._producer.send_and_wait(Topic.CHILD_EVENTS, raw, key=key.encode())

    async def all_decided(self, within_seconds: float = 135) -> None:
        await self.until(lambda: set(self.sent) <= set(self.decided), within_seconds)

    def letters_about(self, raw: bytes) -> list[MessageDeadLettered]:
        original = base64.b64encode(raw).decode()
        return [received.content for received in self.dead if received.content.original == original]

    async def until(self, holds: Callable[[], bool], within_seconds: float = 135) -> None:
        until = time.monotonic() + within_seconds
        while not holds():
            assert time.monotonic() < until, f"not within {within_seconds} s"
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        seen: set[str] = set()
        async for record in self._consumer:
            received = read(record.value)
            if received.id in seen:
                continue
            seen.add(received.id)
            if isinstance(received.content, ProtocolDecided):
                self.decided[received.content.about_id] += 1
                self.order.append(received.content.about_id)
            elif isinstance(received.content, MessageDeadLettered):
                self.dead.append(cast("Received[MessageDeadLettered]", received))


def wait_for_port(address: str) -> None:
    host, port = address.split(":")
    until = time.monotonic() + UP_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            assert time.monotonic() < until, f"nobody listens on {address}"
            time.sleep(0.2)
        else:
            return
