"""The Faust worker: takes messages from Kafka and gives each to the contract. The only module that knows Faust.

Three of Faust's habits are turned off here, each of which loses messages (docs/decisions): tables, acknowledging on
every exit from the loop, and skipping a message whose handler raises.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from typing import Any

import faust
from aiokafka.errors import KafkaError, KafkaTimeoutError

from services.bus.contract import Contract
from services.bus.raw import Raw
from services.runtime.logs import logger
from services.runtime.settings import Settings
from services.safeguarding.message import Topic

COMMIT_EVERY_SECONDS = 1.0
"""Faust's default of 2.8 s would repeat hundreds of messages after a kill."""
SESSION_SECONDS = 8
STOP_GRACE_SECONDS = 3
WAITED_FOR_SECONDS = 3.0
ASKED_AGAIN_SECONDS = 1.0
"""While Kafka is away."""
WATCHED_EVERY_SECONDS = 0.5
TAKEN_AT_ONCE = 16
"""Of one partition."""
GATHERED_SECONDS = 0.25
"""How long the first message waits for others, on topics whose messages may wait."""


class ConsumingEndedError(RuntimeError):
    """Faust has stopped consuming by itself, such as when it could not commit."""


def identity(service: str, slot: int | None) -> str | None:
    """As whom a process that comes back joins its group again, so that nobody waits for its session to end."""
    return None if slot is None else f"{service}-{slot}"


class Worker:
    """A part. Stops taking, lets what is in hand finish for a moment, and leaves the rest unacknowledged to come again.

    `gathered`: topics whose messages nobody waits for, and which cost less taken together.
    """

    def __init__(self, settings: Settings, contract: Contract, gathered: Collection[Topic] = ()) -> None:
        self._settings = settings
        self._contract = contract
        self._gathered = gathered
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._app: faust.App | None = None
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Without Kafka the rest of the process runs all the same: what comes by HTTP must be kept while it is away.

        Raises what keeps it from starting and is no absence of Kafka.
        """
        asked = asyncio.Event()
        self._starting = asyncio.create_task(self._until_it_runs(asked))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), WAITED_FOR_SECONDS)
        if self._starting.done():
            self._starting.result()

    def obstacle(self) -> str | None:
        if self._app is not None:
            return "consuming has ended" if self._app.should_stop else None
        failed = self._starting is not None and self._starting.done()
        return "consuming could not be started" if failed else "Kafka is away"

    async def failed(self) -> None:
        """Raises where it could not be started after all, and where Faust ends by itself: it does not start again then. It is asked,
        since what it does in its own thread wakes nobody here.
        """
        if self._starting is None:
            msg = "not started"
            raise RuntimeError(msg)
        await self._starting
        while self._app is not None and not self._app.should_stop:  # noqa: ASYNC110 its event is of another thread's loop
            await asyncio.sleep(WATCHED_EVERY_SECONDS)
        raise ConsumingEndedError from getattr(self._app, "crash_reason", None)

    async def _until_it_runs(self, asked: asyncio.Event) -> None:
        """`asked`: an answer has come, or no answer, or it could not be asked."""
        try:
            while not await self._runs():
                asked.set()
                await asyncio.sleep(ASKED_AGAIN_SECONDS)
        finally:
            asked.set()

    async def _runs(self) -> bool:
        app = self._build()
        try:
            await app.start()
            if app.should_stop:
                raise app.crash_reason or ConsumingEndedError
        except (KafkaError, OSError) as error:
            if not _is_away(error):
                raise
            logger().warning("Kafka is away, and is asked again", exc_info=error)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(app.stop(), STOP_GRACE_SECONDS)
            return False
        self._app = app
        return True

    async def stop(self) -> None:
        self._contract.stopping.set()
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), STOP_GRACE_SECONDS)
        if self._app is not None:
            await self._app.stop()
        await self._contract.close()

    def _build(self) -> faust.App:
        service = self._contract.service
        app = faust.App(
            service,
            broker=f"aiokafka://{self._settings.kafka}",
            loop=asyncio.get_running_loop(),
            store="memory://",
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=False,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=identity(service, self._settings.slot),
            broker_commit_interval=COMMIT_EVERY_SECONDS,
            broker_session_timeout=SESSION_SECONDS,
            broker_heartbeat_interval=2,
            broker_rebalance_timeout=10,
            broker_request_timeout=20,
        )
        for name in self._contract.topics:
            topic = app.topic(str(name), value_type=bytes, value_serializer="raw", key_serializer="raw")
            app.agent(topic, name=f"{service}-{name}", isolated_partitions=True)(self._agent(name))
        return app

    def _agent(self, topic: Topic) -> Callable[[Any], Any]:
        """Faust runs one a partition. What comes while messages are being worked on waits, and is taken together next."""

        async def take_each(stream: Any) -> None:
            unacknowledged = stream.noack()
            come: asyncio.Queue[Any] = asyncio.Queue(TAKEN_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_what_comes(unacknowledged, come, topic))
                async for event in unacknowledged.events():
                    await come.put(event)

        return take_each

    async def _take_what_comes(self, stream: Any, come: asyncio.Queue[Any], topic: Topic) -> None:
        while True:
            events = [await come.get()]
            if topic in self._gathered:
                await asyncio.sleep(GATHERED_SECONDS)
            while len(events) < TAKEN_AT_ONCE and not come.empty():
                events.append(come.get_nowait())
            if self._contract.stopping.is_set():
                # Held, unacknowledged, until Faust cancels it: an agent that returned would be restarted.
                await asyncio.Future()
            await self._take_all(stream, events, topic)

    async def _take_all(self, stream: Any, events: list[Any], topic: Topic) -> None:
        self._in_hand += 1
        self._idle.clear()
        try:
            done = await self._contract.take_all([_raw(each.message, topic) for each in events])
            for each in events[:done]:
                await stream.ack(each)
        finally:
            self._in_hand -= 1
            if self._in_hand == 0:
                self._idle.set()


def _is_away(error: Exception) -> bool:
    """Whether Kafka may be there later. What it refuses for good, such as a login, no waiting mends."""
    return isinstance(error, KafkaTimeoutError | OSError) or (isinstance(error, KafkaError) and error.retriable)


def _raw(message: Any, topic: Topic) -> Raw:
    return Raw(message.value, topic, f"{message.topic}/{message.partition}/{message.offset}")
