"""Defines a consumer: it brings Kafka's messages to the contract, and acknowledges those that the contract is done with.

There are two, chosen by name in `services.platform.bus.service_host`: one brings each message at once, the other brings them in batches.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from services.platform.bus.message_processor import MessageProcessor
from services.platform.messages.raw_message import Raw
from services.platform.runtime.settings import Settings
from services.safeguarding.message import Topic

M = TypeVar("M")


class Consumer(ABC, Generic[M]):
    """A part. It acknowledges only what the contract is done with, and a partition that waits holds up no other.

    `M` is what Kafka's library brings for one message, and takes back to acknowledge it.
    """

    COMMIT_EVERY_SECONDS = 1.0
    """Faust's default of 2.8 s would repeat hundreds of messages after a kill."""
    SESSION_SECONDS = 8
    HEARTBEAT_SECONDS = 2
    REBALANCE_SECONDS = 10
    REQUEST_SECONDS = 20
    STOP_GRACE_SECONDS = 3

    def __init__(self, settings: Settings, contract: MessageProcessor) -> None:
        self._settings = settings
        self._contract = contract
        slot = settings.slot
        self._identity = None if slot is None else f"{contract.service}-{slot}"
        """A process that comes back joins its group again under this name, so that nobody waits for its session to end."""
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    def obstacle(self) -> str | None: ...

    @abstractmethod
    async def acknowledge(self, message: M) -> None:
        """It does not come again once its place is committed, which happens every second."""

    @abstractmethod
    def record(self, message: M) -> Any:
        """Its `topic`, `partition`, `offset` and `value`."""

    @abstractmethod
    async def _leave(self) -> None:
        """Ends what is in hand, and leaves the group."""

    def origin(self, message: M) -> str:
        """Names it for ever."""
        record = self.record(message)
        return f"{record.topic}/{record.partition}/{record.offset}"

    async def stop(self) -> None:
        """Takes nothing further, lets what is in hand finish for a moment, and leaves the rest to come again."""
        self._contract.stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self.STOP_GRACE_SECONDS)
        await self._leave()
        await self._contract.close()

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
        """How many, from the first on, are done and acknowledged: all, unless the process stops first."""
        raw = [Raw(self.record(each).value, topic, self.origin(each)) for each in messages]
        done = await self._contract.process_batch(raw)
        for each in messages[:done]:
            await self.acknowledge(each)
        return done
