"""What both consumers share: which messages are acknowledged, and how a stop treats what is in hand; and what Faust's gathers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.platform.bus.consumer import Consumer
from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.messages.envelope import Raw, Unreadable, kind_of
from services.safeguarding.message import Topic


@dataclass
class Record:
    offset: int
    topic: str = "outcomes"
    partition: int = 3
    value: bytes | None = b"{}"


@dataclass
class PlayedProcessor:
    """Does as many of each batch as it is told: all, where nothing else is said."""

    does: int = 100
    waits_for: asyncio.Event | None = None
    service: str = "protocol"
    topics: tuple[str, ...] = ()
    gathered_seconds: dict[Topic, float] = field(default_factory=lambda: {Topic.OUTCOMES: 0.2, Topic.CHILD_EVENTS: 0.0})
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[str]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    closed: bool = False

    async def process_batch(self, messages: Sequence[Raw]) -> int:
        self.batches.append([each.origin for each in messages])
        self.contents += [each.content for each in messages]
        if self.waits_for is not None:
            await self.waits_for.wait()
        return min(self.does, len(messages))

    async def close(self) -> None:
        self.closed = True


class Plain(Consumer[Record]):
    """The shared half alone."""

    def __init__(self, processor: PlayedProcessor, slot: int | None = None) -> None:
        super().__init__(cast("Any", SimpleNamespace(slot=slot)), cast("Any", processor))
        self.acknowledged: list[int] = []
        self.left_with: list[int] | None = None

    def obstacle(self) -> str | None:
        return None

    async def start(self) -> None: ...

    async def acknowledge(self, message: Record) -> None:
        self.acknowledged.append(message.offset)

    def record(self, message: Record) -> Record:
        return message

    async def _leave(self) -> None:
        self.left_with = list(self.acknowledged)

    async def take(self, *offsets: int) -> int:
        with self._holding():
            return await self._process([Record(each) for each in offsets], Topic.OUTCOMES)


async def test_only_what_is_done_is_acknowledged_in_its_order() -> None:
    processor = PlayedProcessor(does=2)
    consumer = Plain(processor)
    assert await consumer.take(5, 6, 7) == 2
    assert consumer.acknowledged == [5, 6]
    assert processor.batches == [["outcomes/3/5", "outcomes/3/6", "outcomes/3/7"]]


async def test_a_record_without_a_value_is_a_message_that_nobody_can_read() -> None:
    processor = PlayedProcessor()
    consumer = Plain(processor)
    with consumer._holding():
        await consumer._process([Record(5, value=None), Record(6)], Topic.OUTCOMES)
    assert (processor.contents, consumer.acknowledged) == ([b"", b"{}"], [5, 6])
    with pytest.raises(Unreadable):
        kind_of(b"")


async def test_a_stop_lets_what_is_in_hand_finish_before_the_group_is_left() -> None:
    processor = PlayedProcessor(waits_for=asyncio.Event())
    consumer = Plain(processor)
    taking = asyncio.create_task(consumer.take(5))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.sleep(0.05)
    assert processor.stopping.is_set()
    assert consumer.left_with is None
    assert processor.waits_for is not None
    processor.waits_for.set()
    await asyncio.wait_for(stopping, 30)
    assert consumer.left_with == [5]
    assert processor.closed
    assert await taking == 1


async def test_a_stop_does_not_wait_for_ever_for_what_is_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Consumer, "STOP_GRACE_SECONDS", 0.01)
    processor = PlayedProcessor(waits_for=asyncio.Event())
    consumer = Plain(processor)
    taking = asyncio.create_task(consumer.take(5))
    await asyncio.sleep(0)
    await asyncio.wait_for(consumer.stop(), 30)
    assert (consumer.left_with, processor.closed) == ([], True)
    taking.cancel()


@pytest.mark.parametrize(("slot", "name"), [(2, "protocol-2"), (None, None)])
async def test_a_process_with_a_slot_joins_its_group_under_a_name_of_its_own(
    slot: int | None, name: str | None
) -> None:
    assert Plain(PlayedProcessor(), slot)._identity == name


class PlayedStream:
    """Brings what is put; acknowledges."""

    def __init__(self) -> None:
        self.come: asyncio.Queue[Any] = asyncio.Queue()
        self.acknowledged: list[int] = []

    def noack(self) -> "PlayedStream":
        return self

    async def events(self) -> Any:
        while True:
            yield SimpleNamespace(message=await self.come.get())

    async def ack(self, event: Any) -> None:
        self.acknowledged.append(event.message.offset)


@pytest.mark.parametrize(("topic", "batches"), [(Topic.OUTCOMES, [[0, 1]]), (Topic.CHILD_EVENTS, [[0], [1]])])
async def test_faust_gathers_a_topic_as_long_as_its_subscriptions_say(topic: Topic, batches: list[list[int]]) -> None:
    processor, stream = PlayedProcessor(), PlayedStream()
    part = FaustConsumer(cast("Any", SimpleNamespace(slot=None)), cast("Any", processor))
    agent = asyncio.create_task(part._agent(topic)(stream))
    for offset in range(2):
        stream.come.put_nowait(Record(offset, topic=topic))
        await asyncio.sleep(0.02)
    async with asyncio.timeout(30):
        while len(stream.acknowledged) < 2:  # noqa: ASYNC110 a list has no event
            await asyncio.sleep(0.01)
    agent.cancel()
    assert processor.batches == [[f"{topic}/3/{each}" for each in one] for one in batches]


async def test_messages_that_faust_hands_over_one_by_one_without_a_pause_are_taken_together() -> None:
    processor, stream = PlayedProcessor(), PlayedStream()
    part = FaustConsumer(cast("Any", SimpleNamespace(slot=None)), cast("Any", processor))
    agent = asyncio.create_task(part._agent(Topic.CHILD_EVENTS)(stream))
    for offset in range(4):
        stream.come.put_nowait(Record(offset, topic="child-events"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        while len(stream.acknowledged) < 4:  # noqa: ASYNC110 a list has no event
            await asyncio.sleep(0.01)
    agent.cancel()
    assert [len(each) for each in processor.batches] == [4]
