"""The clock as a process, with a real Kafka: many due at once are on time, and an hour's stop is made good."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text

from infra.local.settings.environment import bare
from infra.local.settings.layout import ROOT
from services.platform.store import deadlines
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from tests.support.engines.bus import Kafka, running_kafka, wait_for_port
from tests.support.engines.database import Database, running_database
from tests.support.engines.ports import free_port
from tests.support.signatures import give_keys

FILL = text("""
    WITH rows AS (
        SELECT CAST(:first AS timestamptz) + (n::float / :count) * CAST(:spread AS interval) AS due_at
        FROM generate_series(0, :count - 1) AS n
    )
    INSERT INTO deadlines.due (deadline, version, child, due_at, envelope)
    SELECT gen_random_uuid(), 1, 'child-' || gen_random_uuid(), due_at,
           convert_to(json_build_object('test', CAST(:test AS text), 'due', extract(epoch FROM due_at))::text, 'UTF8')
    FROM rows
""")


@dataclass
class Heard:
    """What came on child-events of one test, with how long after its due time Kafka had it."""

    late: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        return sorted(self.late)[min(int(len(self.late) * share), len(self.late) - 1)]


class Clock:
    def __init__(self, kafka: Kafka, database: Database) -> None:
        self.kafka = kafka
        self.database = database
        self.test = str(uuid4())
        secrets = kafka.secrets.parent / new_id("clock")
        secrets.mkdir()
        password = database.settings("clock").database_password.get_secret_value()
        (secrets / "database_password").write_text(password)
        give_keys(secrets, "clock")
        self._port = free_port()
        self._environment = bare() | {
            "SAFE_RETURN_DATABASE": f"postgresql://127.0.0.1:{database.port}/safe_return",
            "SAFE_RETURN_KAFKA": kafka.address,
            "SAFE_RETURN_SECRETS_DIR": str(secrets),
            "SAFE_RETURN_HTTP_PORT": str(self._port),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "services", "run", "clock"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL, start_new_session=True
        )
        wait_for_port(f"127.0.0.1:{self._port}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(number)
        code, self._process = self._process.wait(60), None
        return code

    async def put(self, count: int, first: datetime, spread: timedelta) -> None:
        engine = self.database.engine("protocol")
        async with engine.begin() as connection:
            await connection.execute(FILL, {"count": count, "first": first, "spread": spread, "test": self.test})
            if first < datetime.now(UTC) + deadlines.LOOKED_AHEAD:  # as the protocol tells the clock
                await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": deadlines.TOLD})
        await engine.dispose()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.address, auto_offset_reset="latest")
        await consumer.start()
        partitions = [TopicPartition(Topic.CHILD_EVENTS, each) for each in range(12)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def hear(self, consumer: AIOKafkaConsumer, count: int, within_seconds: float) -> Heard:
        heard, until = Heard(), time.monotonic() + within_seconds
        while len(heard.late) < count and time.monotonic() < until:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    message = json.loads(record.value)
                    if message.get("test") == self.test:
                        heard.late.append(record.timestamp / 1000 - message["due"])
        return heard


@pytest.fixture(scope="module")
def quiet_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Of its own: what other tests left due would be published first."""
    with running_database(tmp_path_factory.mktemp("database-of-the-clock")) as database:
        yield database


@pytest.fixture(scope="module")
def quiet_kafka(tmp_path_factory: pytest.TempPathFactory, quiet_database: Database) -> Iterator[Kafka]:
    with running_kafka(tmp_path_factory.mktemp("kafka-of-the-clock"), quiet_database) as kafka:
        yield kafka


@pytest.fixture
def clock(quiet_kafka: Kafka, quiet_database: Database) -> Iterator[Clock]:
    clock = Clock(quiet_kafka, quiet_database)
    yield clock
    clock.end()
    with psycopg.connect(quiet_database.admin_url) as connection:
        connection.execute(
            "DELETE FROM deadlines.due WHERE convert_from(envelope, 'UTF8') LIKE %s", [f"%{clock.test}%"]
        )


async def test_a_thousand_due_in_one_second_are_on_time_among_a_hundred_thousand_that_wait(clock: Clock) -> None:
    await clock.put(100_000, datetime.now(UTC) + timedelta(days=1), timedelta(days=30))
    clock.start()
    async with clock.listening() as consumer:
        await clock.put(1_000, datetime.now(UTC) + timedelta(seconds=2), timedelta(seconds=1))
        heard = await clock.hear(consumer, 1_000, within_seconds=60)
    assert len(heard.late) == 1_000
    assert min(heard.late) > -0.01
    print(f"late by p50 {heard.percentile(0.5):.3f} s, p99 {heard.percentile(0.99):.3f} s")
    assert heard.percentile(0.99) < 5.0  # on a machine with nothing else to do: 1.0


async def test_what_came_due_in_an_hours_stop_is_all_published_within_a_minute_each_once(clock: Clock) -> None:
    await clock.put(3_600, datetime.now(UTC) - timedelta(hours=1), timedelta(hours=1))
    async with clock.listening() as consumer:
        clock.start()
        heard = await clock.hear(consumer, 3_600, within_seconds=60)
        more = await clock.hear(consumer, 1, within_seconds=1)
    assert len(heard.late) == 3_600
    assert more.late == []


async def test_a_clock_killed_in_the_midst_leaves_nothing_unpublished(clock: Clock) -> None:
    async with clock.listening() as consumer:
        clock.start()
        await clock.put(2_000, datetime.now(UTC) - timedelta(minutes=1), timedelta(minutes=1))
        await asyncio.sleep(0.3)
        clock.end(signal.SIGKILL)
        clock.start()
        heard = await clock.hear(consumer, 2_000, within_seconds=90)
        repeated = await clock.hear(consumer, 2_000, within_seconds=2)
    assert len(heard.late) + len(repeated.late) >= 2_000
    assert clock.end() == 0
    assert await _unfired(clock) == 0


async def _unfired(clock: Clock) -> int:
    engine = clock.database.engine("protocol")
    query = "SELECT count(*) FROM deadlines.due WHERE fired_at IS NULL AND convert_from(envelope, 'UTF8') LIKE :test"
    async with engine.connect() as connection:
        count = await connection.scalar(text(query), {"test": f"%{clock.test}%"})
    await engine.dispose()
    return int(count or 0)
