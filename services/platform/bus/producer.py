"""Opens Kafka's producer when it is first needed, replaces it when it can send no more, and closes it in a moment."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from services.platform.bus.connection import Connection
from services.platform.runtime.logs import logger

REQUEST_TIMEOUT_MS = 10_000
CLOSE_WITHIN_SECONDS = 3


class Producer:
    """One for each process. `ready` raises KafkaError while Kafka is away, and may be called again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._opened: AIOKafkaProducer | None = None
        self._given_up: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether `ready` would return at once."""
        return self._opened is not None

    async def ready(self) -> AIOKafkaProducer:
        if self._opened is None:
            producer = self._connection.producer(
                acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS, retry_backoff_ms=100
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            if self._opened is not None:
                await producer.stop()
            else:
                self._opened = producer
        return self._opened

    def report_failure(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Makes `ready` open another producer after an error that this one cannot recover from. If Kafka refuses a
        message for good, an idempotent producer has a gap in the numbers of that partition, and Kafka refuses every
        later message. A producer whose own loop has died refuses everything.
        """
        passes = isinstance(error, KafkaTimeoutError) or (isinstance(error, KafkaError) and error.retriable)
        if producer is not self._opened or passes:
            return
        logger().warning("the producer is replaced", reason=type(error).__name__)
        self._opened = None
        # Messages that others still send over it are acknowledged or refused as before.
        closing = asyncio.create_task(_stop(producer))
        self._given_up.add(closing)
        closing.add_done_callback(self._given_up.discard)

    async def close(self) -> None:
        closing = set(self._given_up)
        if self._opened is not None:
            closing.add(asyncio.create_task(_stop(self._opened)))
        if not closing:
            return
        _, left = await asyncio.wait(closing, timeout=CLOSE_WITHIN_SECONDS)
        for each in left:
            logger().warning("the producer did not close in time")
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except KafkaError as error:
        logger().warning("the producer did not close in order", reason=type(error).__name__)
