"""The producer: opened when first needed, closed within a moment even where Kafka is away."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.runtime.logs import logger

REQUEST_TIMEOUT_MS = 10_000
CLOSE_WITHIN_SECONDS = 3


class Producer:
    """One a process. `ready` raises KafkaError while Kafka is away, and may be called again."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._opened: AIOKafkaProducer | None = None

    @property
    def is_open(self) -> bool:
        """Whether `ready` would answer at once."""
        return self._opened is not None

    async def ready(self) -> AIOKafkaProducer:
        if self._opened is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                retry_backoff_ms=100,
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

    async def close(self) -> None:
        if self._opened is not None:
            try:
                await asyncio.wait_for(self._opened.stop(), CLOSE_WITHIN_SECONDS)
            except (TimeoutError, KafkaError):
                logger().warning("the producer did not close in time")
