"""What Kafka acknowledged and lost is published again: after a power cut, however late it is noticed, and to another cluster."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaProducer

from services.platform.bus import connection, kept_messages, outbox_relay
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from tests.kafka.test_publisher import Office, opened, published
from tests.support.engines.alone import require_alone
from tests.support.engines.bus import Kafka, MortalKafka
from tests.support.engines.database import Database

pytestmark = pytest.mark.timeout(450)
SAID = [str(each).encode() * 50 for each in range(10, 22)]
PARTITIONS = 12


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_messages, "LOOK_EVERY_SECONDS", 1.0)
    monkeypatch.setattr(outbox_relay, "REMOVED_AFTER_SECONDS", 0.2)


@pytest.fixture
async def broker(tmp_path: Path, database: Database) -> AsyncIterator[MortalKafka]:
    """And nothing is kept of the broker before it."""
    require_alone()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("TRUNCATE audit.published")
    broker = MortalKafka(tmp_path)
    broker.start()
    yield broker
    broker.kill()


def lose_the_end(broker: MortalKafka, _: Path) -> None:
    broker.lose_the_end(Topic.DECISIONS, 0.4)


def lose_all(_: MortalKafka, folder: Path) -> None:
    """The broker is made anew, at its address."""
    shutil.rmtree(folder / "kafka")
    (folder / "cluster-id").unlink()


async def say_all(office: Office) -> list[str]:
    keys = [new_id("child") for _ in range(40)]
    for each in SAID:
        await office.say(keys, each)
        await office.publisher.wait_published(keys)
    assert await office.all_taken_out(keys)
    return keys


async def missing(kafka: Kafka, keys: list[str]) -> int:
    lost = [set(SAID) - set(await published(kafka, key)) for key in keys]
    return sum(map(len, lost))


async def all_there(kafka: Kafka, office: Office, keys: list[str]) -> None:
    async with asyncio.timeout(180):
        while await missing(kafka, keys):  # noqa: ASYNC110 Kafka tells nobody
            await asyncio.sleep(0.5)
    assert await office.all_taken_out(keys)


async def test_a_relay_that_goes_on_publishes_what_a_power_cut_took(broker: MortalKafka, database: Database) -> None:
    kafka, before = Kafka(broker.address, Path()), connection.PUBLISHED_AGAIN._value.get()
    async with opened(kafka, database) as office:
        keys = await say_all(office)
        broker.kill()
        broker.lose_the_end(Topic.DECISIONS, 0.4)
        await asyncio.to_thread(broker.start)
        await all_there(kafka, office, keys)
    assert 0 < connection.PUBLISHED_AGAIN._value.get() - before < len(keys) * len(SAID)


@pytest.mark.parametrize("lose", [lose_the_end, lose_all])
async def test_a_relay_that_starts_later_finds_it_though_others_stand_in_its_place(
    broker: MortalKafka, database: Database, tmp_path: Path, lose: Callable[[MortalKafka, Path], None]
) -> None:
    kafka = Kafka(broker.address, Path())
    async with opened(kafka, database) as office:
        keys = await say_all(office)
    broker.kill()
    lose(broker, tmp_path)
    broker.make_log()
    await asyncio.to_thread(broker.start)
    assert await missing(kafka, keys)
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as others:
        for number in range(PARTITIONS * 100):
            await others.send(Topic.DECISIONS, b"{}", partition=number % PARTITIONS)
        await others.flush()
    async with opened(kafka, database) as office:
        await all_there(kafka, office, keys)


async def test_a_leader_that_lost_nothing_makes_nothing_come_again(broker: MortalKafka, database: Database) -> None:
    kafka = Kafka(broker.address, Path())
    async with opened(kafka, database) as office:
        keys = await say_all(office)
        broker.kill()
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(180):
            while {log.epoch for log in (office.publisher._kept._checked or {}).values()} <= {0}:  # noqa: ASYNC110 nor does the relay
                await asyncio.sleep(0.5)
        for key in keys[:5]:
            assert await published(kafka, key) == SAID
