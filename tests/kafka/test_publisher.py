"""The publisher on a real Kafka and a real PostgreSQL, in the test's own process."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from services.bus.publisher import Publisher
from services.runtime.clocks import Clocks
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Topic
from services.store import outbox
from services.store.transaction import Store
from tests.support.bus import Kafka
from tests.support.database import Database

TOO_LARGE = b"x" * 2_000_000
"""Kafka takes no message over 1 MB."""


class Office:
    """Says things under keys, and counts what is not published yet."""

    def __init__(self, store: Store, publisher: Publisher) -> None:
        self.store = store
        self.publisher = publisher

    async def say(self, keys: list[str], envelope: bytes = b"{}") -> None:
        async with self.store.transaction() as transaction:
            said = [outbox.Said(key, envelope) for key in keys]
            await outbox.put_all(transaction, said, topic=Topic.DECISIONS, at=datetime.now(UTC))

    async def unsent(self, keys: list[str]) -> int:
        async with self.store.engine.connect() as connection:
            return len(await outbox.unsent_of(connection, *keys))


@pytest.fixture
async def office(kafka: Kafka, database: Database) -> AsyncIterator[Office]:
    settings = database.settings("audit").model_copy(update={"kafka": kafka.address})
    store = Store(database.engine("audit"))
    publisher = Publisher(settings, store, Clocks())
    await publisher.start()
    yield Office(store, publisher)
    await publisher.stop()
    await store.close()


async def test_many_keys_said_at_once_are_settled_when_all_are_published(office: Office) -> None:
    keys = [new_id("child") for _ in range(450)]
    await office.say(keys)
    await office.publisher.settled(keys)
    assert await office.unsent(keys) == 0


async def test_a_message_that_kafka_will_not_take_holds_up_no_other_key_for_long(office: Office) -> None:
    stuck, keys = new_id("child"), [new_id("child") for _ in range(150)]
    await office.say([stuck], TOO_LARGE)
    await office.say([*keys[:70], stuck, *keys[70:]])
    await asyncio.wait_for(office.publisher.settled(keys), 10)
    assert await office.unsent(keys) == 0
    assert await office.unsent([stuck]) == 2
    assert office.publisher.obstacle() is not None
    async with office.store.engine.begin() as connection:
        await outbox.take_unsent(connection, [stuck])
    await asyncio.wait_for(office.publisher.settled([stuck]), 10)
    assert office.publisher.obstacle() is None


async def test_what_is_said_of_a_key_while_it_is_in_hand_is_published_too(office: Office) -> None:
    child = new_id("child")
    for _ in range(20):
        await office.say([child])
    await office.publisher.settled([child])
    assert await office.unsent([child]) == 0


async def test_a_sweep_takes_up_what_a_dead_process_left(office: Office) -> None:
    child = new_id("child")
    office.store.on_keys_said = lambda _keys: None
    await office.say([child])
    for _ in range(100):
        if await office.unsent([child]) == 0:
            break
        await asyncio.sleep(0.1)
    assert await office.unsent([child]) == 0
