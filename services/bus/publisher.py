"""Publishes each key's outbox rows in order, and repeats until Kafka has acknowledged them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.bus import metrics
from services.runtime.clocks import Clocks
from services.runtime.logs import logger
from services.runtime.repeating import Repeating
from services.runtime.settings import Settings
from services.store import outbox
from services.store.transaction import Store

KEYS_AT_ONCE = 4
SWEEP_EVERY_SECONDS = 1.0
SWEEP_OLDER_THAN = timedelta(seconds=2)
REQUEST_TIMEOUT_MS = 10_000
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Publisher:
    """A part. After a commit the store wakes it with the keys said; a sweep takes up what a dead process left unsent."""

    def __init__(self, settings: Settings, store: Store, clocks: Clocks) -> None:
        self._bootstrap = settings.kafka
        self._store = store
        self._clocks = clocks
        self._producer: AIOKafkaProducer | None = None
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._said_again: set[str] = set()
        self._places = asyncio.Semaphore(KEYS_AT_ONCE)
        self._stopping = False
        self._failure: str | None = None
        self._sweep = Repeating("outbox sweep", self._wake_what_was_left, every_seconds=SWEEP_EVERY_SECONDS)
        store.on_keys_said = self.wake

    def obstacle(self) -> str | None:
        return self._failure or self._sweep.obstacle()

    def wake(self, keys: Sequence[str]) -> None:
        for key in keys:
            if key in self._in_hand:
                self._said_again.add(key)
            elif not self._stopping:
                self._in_hand[key] = asyncio.create_task(self._publish_until_done(key))

    async def settled(self, keys: Sequence[str]) -> None:
        """Returns when what was said under `keys` is acknowledged, or when the process stops (the outbox still holds it then)."""
        waits = [self._in_hand[key] for key in keys if key in self._in_hand]
        if waits:
            await asyncio.wait(waits)

    async def start(self) -> None:
        await self._sweep.start()

    async def stop(self) -> None:
        self._stopping = True
        await self._sweep.stop()
        if self._in_hand:
            await asyncio.wait(list(self._in_hand.values()), timeout=3)
        for task in list(self._in_hand.values()):
            task.cancel()
        await self._close_producer()

    async def _wake_what_was_left(self) -> bool:
        now = self._clocks.wall()
        async with self._store.engine.connect() as connection:
            left = await outbox.keys_unsent(connection, written_before=now - SWEEP_OLDER_THAN)
            depth, oldest = await outbox.depth(connection)
        metrics.OUTBOX_DEPTH.set(depth)
        metrics.OUTBOX_OLDEST.set((now - oldest).total_seconds() if oldest else 0)
        self.wake(left)
        return False

    async def _publish_until_done(self, key: str) -> None:
        failures = 0
        try:
            while not self._stopping or failures == 0:
                try:
                    async with self._places:
                        self._said_again.discard(key)
                        more = await self._publish(key)
                except Exception as error:  # noqa: BLE001 the outbox keeps the messages, and readiness shows the failure
                    metrics.PUBLISH_FAILURES.inc()
                    self._failure = type(error).__name__
                    if failures == 0:
                        logger().warning("publishing failed and will be repeated", exc_info=error)
                    await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                    failures += 1
                    continue
                self._failure = None
                failures = 0
                if not more and key not in self._said_again:
                    return
        finally:
            self._in_hand.pop(key, None)

    async def _publish(self, key: str) -> bool:
        producer = await self._ready_producer()
        async with self._store.engine.begin() as connection:
            await outbox.hold_key(connection, key)
            unsent = await outbox.unsent_of(connection, key)
            if not unsent:
                return False
            sent = [await producer.send(each.topic, each.envelope, key=key.encode()) for each in unsent]
            for acknowledged in await asyncio.gather(*sent, return_exceptions=True):
                if isinstance(acknowledged, BaseException):
                    raise acknowledged
            await outbox.forget(connection, [each.position for each in unsent])
        for each in unsent:
            metrics.PUBLISHED.labels(each.topic).inc()
        return len(unsent) == outbox.BATCH

    async def _ready_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
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
            if self._producer is not None:
                await producer.stop()
            else:
                self._producer = producer
        return self._producer

    async def _close_producer(self) -> None:
        if self._producer is not None:
            try:
                await asyncio.wait_for(self._producer.stop(), 3)
            except (TimeoutError, KafkaError):
                logger().warning("the producer did not close in time")
