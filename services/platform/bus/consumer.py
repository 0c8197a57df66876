"""Defines a consumer: it takes messages from Kafka, gives them to the message processor, and acknowledges those that
are done.

There are two: `FaustConsumer` brings each message at once, `BatchConsumer` brings them in batches, for services that
only record messages (audit, console). Nobody waits for a single message there: the broker gathers, and a partition's
batch is handed over whole.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.platform.bus.connection import Connection
from services.platform.bus.message_processor import MessageProcessor
from services.platform.messages.envelope import Raw
from services.platform.runtime.logs import logger
from services.platform.runtime.settings import Settings
from services.safeguarding.message import Topic

M = TypeVar("M")


class Consumer(ABC, Generic[M]):
    """A part of the process. A partition that waits holds up no other.

    `M` is the Kafka library's own object for a message, which it takes back to acknowledge the message.
    """

    BUNDLES_AT_ONCE = 4
    """How many partitions' batches may share a transaction: a report must not wait for many outcomes before it."""

    COMMIT_EVERY_SECONDS = 1.0
    """Faust's default of 2.8 s would repeat hundreds of messages after a kill."""
    SESSION_SECONDS = 8
    HEARTBEAT_SECONDS = 2
    REBALANCE_SECONDS = 10
    REQUEST_SECONDS = 20
    STOP_GRACE_SECONDS = 3

    def __init__(self, settings: Settings, processor: MessageProcessor) -> None:
        self._connection = Connection(settings)
        self._processor = processor
        slot = settings.slot
        self._identity = None if slot is None else f"{processor.service}-{slot}"
        """A restarted process joins its group under the same name, so that nobody waits for its old session to end."""
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    def obstacle(self) -> str | None: ...

    @abstractmethod
    async def acknowledge(self, message: M) -> None:
        """It does not come again once its offset is committed, which happens every second."""

    @abstractmethod
    def record(self, message: M) -> Any:
        """Its `topic`, `partition`, `offset` and `value`."""

    @abstractmethod
    async def _leave(self) -> None:
        """Ends the messages in hand, and leaves the group."""

    def origin(self, message: M) -> str:
        """Identifies the message for ever."""
        record = self.record(message)
        return f"{record.topic}/{record.partition}/{record.offset}"

    async def stop(self) -> None:
        """Takes no more messages, gives those in hand a moment to finish, and leaves the rest to come again."""
        self._processor.stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self.STOP_GRACE_SECONDS)
        await self._leave()
        await self._processor.close()

    @contextlib.contextmanager
    def _holding(self) -> Iterator[None]:
        self._in_hand += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_hand -= 1
            if self._in_hand == 0:
                self._idle.set()

    async def _process(self, messages: Sequence[M], topic: Topic) -> int:
        """Returns how many, from the first on, are done and acknowledged: all, unless the process stops first."""
        # Kafka takes records without a value too. They are no messages, and must not hold up those that follow.
        raw = [Raw(self.record(each).value or b"", topic, self.origin(each)) for each in messages]
        done = await self._processor.process_batch(raw)
        for each in messages[:done]:
            await self.acknowledge(each)
        return done


TAKEN_AT_ONCE = 32
"""Messages of one partition."""
AGAIN_AFTER_SECONDS = 1.0


class BatchConsumer(Consumer[ConsumerRecord]):
    """Joins its group again whenever reading fails. Unacknowledged messages then come again."""

    BUNDLES_AT_ONCE = 24
    FETCH_WITHIN_MS = 1500
    """The broker answers at the first message, or after this time: a fetch costs it milliseconds, so an idle consumer
    asks seldom.
    """
    GATHERED_SECONDS = 0.15
    """After messages have come, the next are fetched together so much later. A page is then at most a second behind."""
    HELD_MOST = 64
    """Messages of one partition that wait here. The others wait in Kafka."""
    FETCHED_BYTES = 128 * 1024
    """Of one partition at once, or one message that is larger. With Kafka's megabyte, a process that has fallen behind
    holds hundreds of them.
    """

    def __init__(self, settings: Settings, processor: MessageProcessor) -> None:
        super().__init__(settings, processor)
        self._consumer: AIOKafkaConsumer | None = None
        self._reading: asyncio.Task[None] | None = None
        self._left: dict[TopicPartition, list[ConsumerRecord]] = {}
        """Messages that have come and are not done."""
        self._batches: dict[TopicPartition, asyncio.Task[None]] = {}
        self._done: dict[TopicPartition, int] = {}
        self._failure: str | None = None

    def obstacle(self) -> str | None:
        return self._failure

    async def start(self) -> None:
        self._reading = asyncio.create_task(self._read(), name="reading the bus")

    async def acknowledge(self, message: ConsumerRecord) -> None:
        self._done[TopicPartition(message.topic, message.partition)] = message.offset + 1

    def record(self, message: ConsumerRecord) -> ConsumerRecord:
        return message

    async def _leave(self) -> None:
        for task in [*self._batches.values(), self._reading]:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._leave_group()

    async def _read(self) -> None:
        """Goes on through every failure until it is cancelled."""
        while True:
            try:
                consumer = await self._join()
                self._failure = None
                await self._take_batches(consumer)
            except Exception as error:  # noqa: BLE001 it joins again, and readiness shows the failure until then
                self._failure = type(error).__name__
                logger().warning("reading the bus failed and will be tried again", exc_info=error)
                await self._leave_group()
                await asyncio.sleep(AGAIN_AFTER_SECONDS)

    async def _join(self) -> AIOKafkaConsumer:
        self._consumer = self._connection.consumer(
            *(str(topic) for topic in self._processor.topics),
            group_id=self._processor.service,
            group_instance_id=self._identity,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=self.FETCH_WITHIN_MS,
            max_partition_fetch_bytes=self.FETCHED_BYTES,
            session_timeout_ms=self.SESSION_SECONDS * 1000,
            heartbeat_interval_ms=self.HEARTBEAT_SECONDS * 1000,
            rebalance_timeout_ms=self.REBALANCE_SECONDS * 1000,
            request_timeout_ms=self.REQUEST_SECONDS * 1000,
        )
        await self._consumer.start()
        return self._consumer

    async def _take_batches(self, consumer: AIOKafkaConsumer) -> None:
        """Pauses no partition while a fetch is under way: a fetch leaves out what is paused, and blocks the next."""
        loop = asyncio.get_running_loop()
        commit_at = loop.time() + self.COMMIT_EVERY_SECONDS
        while not self._processor.stopping.is_set():
            batches = await consumer.getmany(timeout_ms=int(self.COMMIT_EVERY_SECONDS * 1000), max_records=None)
            for partition, records in batches.items():
                self._left.setdefault(partition, []).extend(records)
                if partition not in self._batches:
                    self._batches[partition] = asyncio.create_task(self._take(partition))
            if batches and self.GATHERED_SECONDS:
                consumer.pause(*consumer.assignment())
                await asyncio.sleep(self.GATHERED_SECONDS)
            have_room = [each for each in consumer.assignment() if len(self._left.get(each, ())) < self.HELD_MOST]
            consumer.resume(*have_room)
            if loop.time() >= commit_at:
                await self._commit(consumer)
                commit_at = loop.time() + self.COMMIT_EVERY_SECONDS
        await asyncio.Future()

    async def _take(self, partition: TopicPartition) -> None:
        """Processes the partition's messages until none is left. `left` grows meanwhile, and shrinks only here."""
        left = self._left[partition]
        try:
            with self._holding():
                while left and self._is_ours(partition):
                    several = left[:TAKEN_AT_ONCE]
                    done = await self._process(several, Topic(partition.topic))
                    del left[:done]
                    if done < len(several):
                        return  # the process stops, and nothing further is taken
            left.clear()
        except Exception as error:  # noqa: BLE001 no message may be skipped: the rest of the batch is read again
            logger().error("a batch could not be taken and is read again", exc_info=error)
            await asyncio.sleep(AGAIN_AFTER_SECONDS)
            if self._is_ours(partition) and self._consumer is not None:
                self._consumer.seek(partition, left[0].offset)
            left.clear()
        finally:
            if self._batches.get(partition) is asyncio.current_task():
                del self._batches[partition]

    def _is_ours(self, partition: TopicPartition) -> bool:
        """False where another process has it now, which reads what is not acknowledged."""
        return self._consumer is not None and partition in self._consumer.assignment()

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        """Commits the offsets of partitions that are still ours; later, if Kafka refuses, as it does in a rebalance."""
        ours = consumer.assignment()
        self._done = {partition: place for partition, place in self._done.items() if partition in ours}
        committed = dict(self._done)
        if not committed:
            return
        try:
            await consumer.commit(committed)
        except KafkaError as error:
            logger().info("offsets are committed later", reason=type(error).__name__)
            return
        self._done = {partition: place for partition, place in self._done.items() if committed.get(partition) != place}

    async def _leave_group(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            async with asyncio.timeout(self.STOP_GRACE_SECONDS):
                await self._commit(consumer)
                await consumer.stop()
        except (TimeoutError, KafkaError):
            logger().warning("the consumer did not leave in time")
        self._done.clear()
