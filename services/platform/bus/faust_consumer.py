"""Consumes Kafka with Faust, which brings each message at once. The only module that knows Faust.

Three of Faust's habits are turned off here, each of which loses messages (docs/decisions): tables, acknowledging on
every exit from the loop, and skipping a message whose handler raises.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import faust
from aiokafka.errors import KafkaError, KafkaTimeoutError
from faust.assignor.partition_assignor import PartitionAssignor
from mode.supervisors import OneForOneSupervisor

from services.platform.bus.consumer import Consumer
from services.platform.bus.message_processor import MessageProcessor
from services.platform.runtime.logs import logger
from services.platform.runtime.settings import Settings
from services.safeguarding.message import Topic

START_WITHIN_SECONDS = 3.0
JOIN_WITHIN_SECONDS = 60.0
"""Then it is begun anew: an attempt during which Kafka was made anew can wait for ever."""
RETRY_SECONDS = 1.0
"""While Kafka is away."""
WATCH_EVERY_SECONDS = 0.5
TAKEN_AT_ONCE = 16
"""Messages of one partition."""
TURNS_AFTER = 5
"""Faust hands over the messages of one transaction one by one, each a turn or two of the loop after the other."""


CANNOT_CONNECT = (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError)
UNREACHABLE = frozenset({errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH})

T = TypeVar("T")


class ConsumingEndedError(RuntimeError):
    """Faust has stopped consuming of its own accord, for example because it could not commit."""


class _Come(NamedTuple):
    """An event, and the stream that brought it and acknowledges it."""

    stream: Any
    event: Any


class _Supervisor(OneForOneSupervisor):
    """Lets an agent rest whose partition has gone to another process. Faust's own would start it again, and end the
    process at the second within ten milliseconds.
    """

    def service_operational(self, service: Any) -> bool:
        return service._stopped.is_set() or super().service_operational(service)  # noqa: SLF001 `should_stop` is also true of a crash


class _Assignor(PartitionAssignor):
    """Takes an assignment made for the same member at another address. Faust's own refuses it, so a service whose
    container was made anew together with Kafka's would run and consume nothing.
    """

    def on_assignment(self, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(AssertionError):
            super().on_assignment(*args, **kwargs)


class _App(faust.App):
    """Makes no folder. Faust's own has one for tables, of which we have none, where the process may not even write."""

    def _create_directories(self) -> None: ...


class FaustConsumer(Consumer[_Come]):
    """Ends the process when Faust stops of its own accord. Hands over messages in groups, unless somebody waits."""

    def __init__(self, settings: Settings, processor: MessageProcessor) -> None:
        super().__init__(settings, processor)
        self._app: faust.App | None = None
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns without Kafka too: requests that come by HTTP must be kept while Kafka is away.

        Raises the error of any other obstacle.
        """
        asked = asyncio.Event()
        self._starting = asyncio.create_task(self._start_app(asked))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), START_WITHIN_SECONDS)
        if self._starting.done():
            self._starting.result()

    def obstacle(self) -> str | None:
        if self._app is not None:
            return "consuming has ended" if self._app.should_stop else None
        if self._starting is not None and self._starting.done() and (cause := self._starting.exception()) is not None:
            return f"consuming could not be started: {_name_cause(cause)}"
        return "Kafka is away"

    async def wait_for_failure(self) -> None:
        """Raises when it could not be started after all, and when Faust stops, which then does not start again. Polls,
        since Faust runs in a thread of its own and wakes nobody here.
        """
        if self._starting is None:
            raise RuntimeError("not started")
        await self._starting
        while self._app is not None and not self._app.should_stop:  # noqa: ASYNC110 its event is of another thread's loop
            await asyncio.sleep(WATCH_EVERY_SECONDS)
        raise ConsumingEndedError from getattr(self._app, "crash_reason", None)

    async def _start_app(self, asked: asyncio.Event) -> None:
        """Tries until the app runs. Sets `asked` after the first attempt, successful or not."""
        try:
            while not await self._try_to_start():
                asked.set()
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            asked.set()

    async def _try_to_start(self) -> bool:
        app = self._build()
        try:
            async with asyncio.timeout(JOIN_WITHIN_SECONDS):
                await app.start()
            if app.should_stop:
                raise app.crash_reason or ConsumingEndedError
        except (KafkaError, OSError) as error:
            if not _is_away(error):
                raise
            logger().warning("Kafka is away and will be tried again", exc_info=error)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(app.stop(), self.STOP_GRACE_SECONDS)
            return False
        self._app = app
        return True

    async def acknowledge(self, message: _Come) -> None:
        await message.stream.ack(message.event)

    def record(self, message: _Come) -> Any:
        return message.event.message

    async def _leave(self) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait({self._starting})
        if self._app is not None:
            await self._app.stop()

    def _build(self) -> faust.App:
        service = self._processor.service
        app = _App(
            service,
            **self._connection.faust_options(),
            loop=asyncio.get_running_loop(),
            store="memory://",
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=False,
            PartitionAssignor=_Assignor,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=self._identity,
            broker_commit_interval=self.COMMIT_EVERY_SECONDS,
            broker_session_timeout=self.SESSION_SECONDS,
            broker_heartbeat_interval=self.HEARTBEAT_SECONDS,
            broker_rebalance_timeout=self.REBALANCE_SECONDS,
            broker_request_timeout=self.REQUEST_SECONDS,
        )
        for name in self._processor.topics:
            topic = app.topic(str(name), value_type=bytes, value_serializer="raw", key_serializer="raw")
            app.agent(topic, name=f"{service}-{name}", isolated_partitions=True, supervisor_strategy=_Supervisor)(
                self._agent(name)
            )
        return app

    def _agent(self, topic: Topic) -> Callable[[Any], Any]:
        """Faust runs one for each partition. Messages that come during a handler wait, and are taken together next."""

        async def take_each(stream: Any) -> None:
            unacknowledged = stream.noack()
            come: asyncio.Queue[_Come] = asyncio.Queue(TAKEN_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_what_comes(come, topic))
                async for event in unacknowledged.events():
                    await come.put(_Come(unacknowledged, event))

        return take_each

    async def _take_what_comes(self, come: asyncio.Queue[_Come], topic: Topic) -> None:
        while True:
            several = [await come.get()]
            if not come.full():
                await asyncio.sleep(self._processor.gathered_seconds[topic])
            several += await take_together(come, TAKEN_AT_ONCE - 1)
            if self._processor.stopping.is_set():
                # Waits, unacknowledged, until Faust cancels it: an agent that returned would be restarted.
                await asyncio.Future()
            with self._holding():
                await self._process(several, topic)


async def take_together(come: asyncio.Queue[T], most: int) -> list[T]:
    """Up to `most` messages: those that are there, and those that come without a pause."""
    taken: list[T] = []
    quiet = 0
    while quiet < TURNS_AFTER and len(taken) < most:
        if come.empty():
            quiet += 1
            await asyncio.sleep(0)
        else:
            quiet = 0
            taken.append(come.get_nowait())
    return taken


def _name_cause(error: BaseException) -> str:
    """Without what it is about: a path or an address."""
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}, {said}" if said else type(error).__name__


def _is_away(error: Exception) -> bool:
    """Whether Kafka may come back. Waiting mends no refusal, such as that of a login, and no fault of this machine,
    such as a disk that takes nothing.
    """
    if isinstance(error, KafkaError):
        return isinstance(error, KafkaTimeoutError) or error.retriable
    return isinstance(error, CANNOT_CONNECT) or getattr(error, "errno", None) in UNREACHABLE
