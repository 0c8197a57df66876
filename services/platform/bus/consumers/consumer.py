"""Defines a consumer: it takes messages from Kafka, gives them to the message processor, and acknowledges those that
are done.

There are two: `FaustConsumer` brings each message at once, `BatchConsumer` brings them in batches.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from services.platform.bus.connection import Connection
from services.platform.bus.message_processor import MessageProcessor
from services.platform.messages.envelope import Raw
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
