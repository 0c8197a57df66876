"""The publisher on a real Kafka and a real PostgreSQL, in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.partitioner import DefaultPartitioner

from services.platform.bus import outbox_relay
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.runtime.clocks import Clocks
from services.platform.store import outbox
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from tests.support import tables
from tests.support.engines.bus import Kafka
from tests.support.engines.database import Database
from tests.support.histories.reading import unsent_of
from tests.support.signatures import SIGNERS


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was published is taken out at once, and not some seconds later with more."""
    monkeypatch.setattr(outbox_relay, "REMOVED_AFTER_SECONDS", 0.2)


TOO_LARGE = b"x" * 2_000_000
AS_USUAL = 1_048_588
"""Kafka takes no message over 1 MB."""


def _partition(key: str) -> int:
    partition: int = DefaultPartitioner()(key.encode(), list(range(12)), list(range(12)))
    return partition


class Office:
    """Says things under keys, and counts what is not published yet."""

    def __init__(self, store: Store, relay: OutboxRelay) -> None:
        self.store = store
        self.publisher = relay

    async def say(self, keys: list[str], envelope: bytes = b"{}") -> None:
        async with self.store.transaction() as uow:
            for key in keys:
                uow.publish_composed(Topic.DECISIONS, key, envelope)

    async def unsent(self, keys: list[str]) -> int:
        async with self.store.engine.connect() as connection:
            return len(await unsent_of(connection, *keys))

    async def forget(self, key: str | None = None) -> None:
        """Without a key, all."""
        of_it = tables.outbox.delete() if key is None else tables.outbox.delete().where(tables.outbox.c.key == key)
        async with self.store.engine.begin() as connection:
            await connection.execute(of_it)

    async def all_taken_out(self, keys: list[str]) -> bool:
        """What was published is taken out some moments later."""
        for _ in range(300):
            if await self.unsent(keys) == 0:
                return True
            await asyncio.sleep(0.1)
        return False


@asynccontextmanager
async def taking_at_most(kafka: Kafka, size: int) -> AsyncIterator[None]:
    """What the broker takes; the producer knows nothing of it."""
    await _takes_at_most(kafka, size)
    try:
        yield
    finally:
        await _takes_at_most(kafka, AS_USUAL)


async def _takes_at_most(kafka: Kafka, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    sizes = {"max.message.bytes": str(size)}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, Topic.DECISIONS, configs=sizes)])
    await admin.close()
    await asyncio.sleep(0.5)


@asynccontextmanager
async def opened(kafka: Kafka, database: Database) -> AsyncIterator[Office]:
    """One process of a service; its producer is open, as it is after the first message of its life."""
    settings = database.settings("audit").model_copy(update={"kafka": kafka.address})
    store = Store(database.engine("audit"), origin=Origin("audit", Clocks()))
    relay = OutboxRelay(settings, store, Clocks(), SIGNERS["audit"])
    await relay.start()
    office = Office(store, relay)
    first = new_id("child")
    try:
        await office.say([first])
        await asyncio.wait_for(relay.wait_published([first]), 60)
        yield office
    finally:
        await relay.stop()
        await store.close()


@pytest.fixture
async def office(kafka: Kafka, database: Database) -> AsyncIterator[Office]:
    async with opened(kafka, database) as office:
        yield office
        await office.forget()  # else the next test's first sweep would find what a failed one has left


async def published(kafka: Kafka, child: str) -> list[bytes]:
    """What Kafka has under this key, in its order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(Topic.DECISIONS, each) for each in range(12)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [record.value for record in records if record.key == child.encode()]
        return found
    finally:
        await consumer.stop()


async def test_many_keys_said_at_once_are_settled_when_all_are_published(office: Office) -> None:
    keys = [new_id("child") for _ in range(450)]
    await office.say(keys)
    await office.publisher.wait_published(keys)
    assert await office.all_taken_out(keys)


async def test_a_message_that_kafka_will_not_take_holds_up_no_other_key_for_long(office: Office) -> None:
    stuck, keys = new_id("child"), [new_id("child") for _ in range(150)]
    await office.say([stuck], TOO_LARGE)
    await office.say([*keys[:70], stuck, *keys[70:]])
    await asyncio.wait_for(office.publisher.wait_published(keys), 60)
    assert await office.all_taken_out(keys)
    assert await office.unsent([stuck]) == 2
    assert office.publisher.obstacle() is not None
    await office.forget(stuck)
    await asyncio.wait_for(office.publisher.wait_published([stuck]), 60)
    assert office.publisher.obstacle() is None


async def test_a_message_that_kafka_itself_refuses_holds_up_no_other_key_of_its_partition(
    office: Office, kafka: Kafka
) -> None:
    """Its number is missing from then on, and that producer's next messages of the partition would be refused as well."""
    stuck = new_id("child")
    keys = [each for each in (new_id("child") for _ in range(500)) if _partition(each) == _partition(stuck)][:20]
    async with taking_at_most(kafka, 10_000):
        await office.say([stuck], b"x" * 20_000)
        async with asyncio.timeout(60):
            while office.publisher.obstacle() is None:  # noqa: ASYNC110 the publisher has no event for it
                await asyncio.sleep(0.01)
        assert office.publisher.obstacle() == "MessageSizeTooLargeError"
        for each in (b"first", b"second", b"third"):
            await office.say(keys, each)
        await asyncio.wait_for(office.publisher.wait_published(keys), 60)
        assert await office.all_taken_out(keys)
    await asyncio.wait_for(office.publisher.wait_published([stuck]), 60)
    assert office.publisher.obstacle() is None
    for key in keys[:2]:
        assert list(dict.fromkeys(await published(kafka, key))) == [b"first", b"second", b"third"]


async def test_a_producer_whose_own_loop_has_died_is_replaced(office: Office, kafka: Kafka) -> None:
    producer = office.publisher._producer._opened
    assert producer is not None
    producer._message_accumulator.drain_by_nodes = None
    child = new_id("child")
    for each in (b"first", b"second"):
        await office.say([child], each)
    await asyncio.wait_for(office.publisher.wait_published([child]), 60)
    assert await office.all_taken_out([child])
    assert list(dict.fromkeys(await published(kafka, child))) == [b"first", b"second"]


async def test_what_is_said_of_a_key_while_it_is_in_hand_is_published_too(office: Office) -> None:
    child = new_id("child")
    for _ in range(20):
        await office.say([child])
    await office.publisher.wait_published([child])
    assert await office.all_taken_out([child])


async def test_a_sweep_takes_up_what_a_dead_process_left(
    kafka: Kafka, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_relay, "SWEEP_EVERY_SECONDS", 0.5)
    monkeypatch.setattr(outbox_relay, "SWEEP_OLDER_THAN", timedelta(seconds=2))
    child = new_id("child")
    async with opened(kafka, database) as office:
        office.store.on_published = lambda _transaction: None
        await office.say([child])
        async with asyncio.timeout(60):
            while await office.unsent([child]):  # noqa: ASYNC110 the sweep has no event
                await asyncio.sleep(0.1)


async def test_what_is_said_goes_out_without_being_read_from_the_outbox(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def oldest_unsent(*_: object) -> list[outbox.Unsent]:
        raise AssertionError

    monkeypatch.setattr(outbox, "oldest_unsent", oldest_unsent)
    keys = [new_id("child") for _ in range(3)]
    await office.say([*keys, *keys])
    await asyncio.wait_for(office.publisher.wait_published(keys), 60)
    assert await office.all_taken_out(keys)


async def test_of_one_key_all_goes_out_in_the_order_in_which_it_was_said(office: Office, kafka: Kafka) -> None:
    child = new_id("child")
    said = [str(each).encode() for each in range(40)]
    for each in said:
        await office.say([child], each)
        await asyncio.sleep(0.003 if int(each) % 3 else 0)
    await office.publisher.wait_published([child])
    assert await published(kafka, child) == said


async def test_what_another_process_left_of_a_key_goes_before_what_is_said_of_it_now(
    kafka: Kafka, database: Database
) -> None:
    child = new_id("child")
    async with opened(kafka, database) as dead, opened(kafka, database) as office:
        dead.store.on_published = lambda _transaction: None
        await dead.say([child], b"first")
        await office.say([child], b"second")
        await office.publisher.wait_published([child])
    assert await published(kafka, child) == [b"first", b"second"]


async def test_what_could_not_be_taken_out_is_not_published_again_by_its_own_process(
    office: Office, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(*_: object) -> None:
        raise OSError

    child = new_id("child")
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "keep", keep)
        broken.setattr("services.platform.bus.outbox_relay.REMOVED_AFTER_SECONDS", 0.1)
        for each in (b"first", b"second"):
            await office.say([child], each)
            await office.publisher.wait_published([child])
        async with asyncio.timeout(30):
            while office.publisher.obstacle() != "OSError":  # noqa: ASYNC110 the publisher has no event for it
                await asyncio.sleep(0.05)
    await office.say([child], b"third")
    assert await office.all_taken_out([child])
    assert await published(kafka, child) == [b"first", b"second", b"third"]


async def test_a_process_that_stops_leaves_nothing_that_was_published(
    kafka: Kafka, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_relay, "REMOVED_AFTER_SECONDS", 60)
    child = new_id("child")
    async with opened(kafka, database) as office:
        await office.say([child])
    store = Store(database.engine("audit"), origin=Origin("audit", Clocks()))
    assert await Office(store, office.publisher).unsent([child]) == 0
    await store.close()
