"""Batches of an aiokafka consumer that is played here: nothing is skipped, and a fetch leaves no partition out for long."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from services.platform.bus import consumer
from services.platform.bus.consumer import BatchConsumer
from services.platform.messages.envelope import Raw
from services.safeguarding.message import Topic

ONE, OTHER = TopicPartition("evidence", 1), TopicPartition("evidence", 2)


@dataclass
class PlayedKafka:
    """Hands out what lies in its logs from where it was sought, but for partitions that are paused."""

    log: dict[TopicPartition, int] = field(default_factory=lambda: {ONE: 0, OTHER: 0})
    position: dict[TopicPartition, int] = field(default_factory=lambda: defaultdict(int))
    paused: set[TopicPartition] = field(default_factory=set)
    paused_at_once: list[set[TopicPartition]] = field(default_factory=list)
    ours: set[TopicPartition] = field(default_factory=lambda: {ONE, OTHER})

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.ours)

    def pause(self, *those: TopicPartition) -> None:
        self.paused.update(those)
        self.paused_at_once.append(set(self.paused))

    def resume(self, *those: TopicPartition) -> None:
        self.paused.difference_update(those)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.position[partition] = offset

    async def commit(self, places: Any) -> None: ...

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(0.005)
        found = {}
        for partition in self.ours - self.paused:
            records = [
                SimpleNamespace(topic=partition.topic, partition=partition.partition, offset=offset, value=b"{}")
                for offset in range(self.position[partition], self.log[partition])
            ]
            self.position[partition] = self.log[partition]
            if records:
                found[partition] = records
        return found


@dataclass
class PlayedProcessor:
    """Fails as often as it is told; holds each batch while `goes_on` is not set."""

    fails: int = 0
    service: str = "audit"
    topics: tuple[Topic, ...] = (Topic.EVIDENCE,)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[str] = field(default_factory=list)

    async def process_batch(self, messages: Sequence[Raw]) -> int:
        await self.goes_on.wait()
        if self.fails:
            self.fails -= 1
            raise ValueError
        self.taken += [each.origin for each in messages]
        return len(messages)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> PlayedKafka:
    monkeypatch.setattr(BatchConsumer, "GATHERED_SECONDS", 0.02)
    monkeypatch.setattr(consumer, "AGAIN_AFTER_SECONDS", 0.02)
    return PlayedKafka()


async def reading(kafka: PlayedKafka, processor: PlayedProcessor) -> asyncio.Task[None]:
    part = BatchConsumer(cast("Any", SimpleNamespace(slot=None)), cast("Any", processor))
    part._consumer = cast("Any", kafka)
    return asyncio.create_task(part._take_batches(cast("Any", kafka)))


async def until(holds: Any) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 asks about anything
            await asyncio.sleep(0.005)


def origins(partition: TopicPartition, offsets: range) -> list[str]:
    return [f"{partition.topic}/{partition.partition}/{each}" for each in offsets]


async def test_after_messages_have_come_the_next_are_fetched_together(kafka: PlayedKafka) -> None:
    processor = PlayedProcessor()
    processor.goes_on.set()
    task = await reading(kafka, processor)
    kafka.log[ONE] = 1
    await until(lambda: processor.taken)
    task.cancel()
    assert kafka.paused_at_once == [{ONE, OTHER}]


async def test_what_comes_while_a_batch_is_in_hand_is_taken_after_it_and_in_order(kafka: PlayedKafka) -> None:
    processor = PlayedProcessor()
    task = await reading(kafka, processor)
    for length in (3, 7, 12):
        kafka.log[ONE] = length
        await until(lambda length=length: kafka.position[ONE] == length)
    assert processor.taken == []
    processor.goes_on.set()
    await until(lambda: len(processor.taken) == 12)
    task.cancel()
    assert processor.taken == origins(ONE, range(12))


async def test_a_partition_of_which_enough_is_held_waits_and_holds_up_no_other(
    kafka: PlayedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchConsumer, "HELD_MOST", 5)
    processor = PlayedProcessor()
    task = await reading(kafka, processor)
    kafka.log[ONE] = 5
    await until(lambda: kafka.position[ONE] == 5)
    kafka.log.update({ONE: 9, OTHER: 2})
    await until(lambda: kafka.position[OTHER] == 2)
    await asyncio.sleep(0.1)
    assert kafka.position[ONE] == 5
    processor.goes_on.set()
    await until(lambda: len(processor.taken) == 11)
    task.cancel()


async def test_what_failed_comes_again_and_nothing_after_it_is_skipped(kafka: PlayedKafka) -> None:
    processor = PlayedProcessor(fails=2)
    task = await reading(kafka, processor)
    kafka.log[ONE] = 3
    await until(lambda: kafka.position[ONE] == 3)
    kafka.log[ONE] = 50
    await until(lambda: kafka.position[ONE] == 50)
    processor.goes_on.set()
    await until(lambda: len(processor.taken) >= 50)
    task.cancel()
    assert processor.taken == origins(ONE, range(50))


async def test_what_another_process_has_now_is_left_to_it(kafka: PlayedKafka) -> None:
    processor = PlayedProcessor()
    task = await reading(kafka, processor)
    kafka.log[ONE] = 3
    await until(lambda: kafka.position[ONE] == 3)
    kafka.log[ONE] = 6
    await until(lambda: kafka.position[ONE] == 6)
    kafka.ours = {OTHER}
    processor.goes_on.set()
    await until(lambda: processor.taken)
    await asyncio.sleep(0.05)
    task.cancel()
    assert processor.taken == origins(ONE, range(3)), "the batch that was in hand"
