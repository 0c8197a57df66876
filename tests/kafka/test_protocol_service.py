"""The protocol as a process, on a real Kafka and a real PostgreSQL: an event in, duties and decisions out."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from services.platform.messages.envelope import read
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import DutyChanged, DutyState
from services.safeguarding.duty.duties import DutyAcknowledged, PoliceNotify, parts_of
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message, Topic
from tests.support.engines.bus import Kafka, wait_for_port
from tests.support.engines.database import Database
from tests.support.engines.ports import free_port
from tests.support.signatures import say

WITHIN_SECONDS = 90


@pytest.fixture
def service(kafka: Kafka, database: Database, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Beside an authority whose rules nobody can read."""
    (tmp_path / "lapwing.yaml").write_text("authority: lapwing\nrules: [")
    port = free_port()
    environment = bare() | {
        "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
        "SAFE_RETURN_KAFKA": kafka.address,
        "SAFE_RETURN_SECRETS_DIR": str(kafka.secrets),
        "SAFE_RETURN_HTTP_PORT": str(port),
        "SAFE_RETURN_SLOT": "7",
        "SAFE_RETURN_PROTOCOL_DIR": str(tmp_path),
    }
    with (kafka.secrets.parent / "protocol.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "services", "run", "protocol"],
            cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    wait_for_port(f"127.0.0.1:{port}")
    yield running
    if running.poll() is None:
        os.kill(running.pid, signal.SIGTERM)
    assert running.wait(60) == 0


async def first(consumer: AIOKafkaConsumer, child: str, wanted: Callable[[Message], bool]) -> Message:
    """The first that is wanted of what is said of the child."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            received = read((await consumer.getone()).value)
            for part in parts_of(received.content) if received.subject == child else ():
                if wanted(part):
                    return part


@pytest.mark.usefixtures("service")
async def test_a_report_becomes_duties_and_an_acknowledgement_ends_one(kafka: Kafka) -> None:
    child = new_id("child")
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="latest")
    await producer.start()
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, each) for topic in (Topic.DUTIES, Topic.EVIDENCE) for each in range(12)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        report = ChildReportedMissing(authority="kestrel")
        await _send(producer, child, report)
        notice = await first(consumer, child, lambda said: isinstance(said, PoliceNotify))
        assert isinstance(notice, PoliceNotify)
        acknowledged = DutyAcknowledged(duty=notice.duty, step=notice.step, authority="kestrel", how="force")
        await _send(producer, child, acknowledged)
        ended = await first(
            consumer,
            child,
            lambda said: isinstance(said, DutyChanged) and said.duty == notice.duty and said.revision > 1,
        )
        assert isinstance(ended, DutyChanged)
        assert (ended.state, ended.next_step_at) == (DutyState.ACKNOWLEDGED, None)
    finally:
        await producer.stop()
        await consumer.stop()


async def _send(producer: AIOKafkaProducer, child: str, content: Message) -> None:
    raw = say(content, subject=child, at=datetime.now(UTC), message_id=str(uuid4()))
    await producer.send_and_wait(content.topic, raw, key=child.encode())
