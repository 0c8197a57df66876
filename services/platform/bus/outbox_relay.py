"""Publishes each key's outbox rows in order, and repeats until Kafka has acknowledged them.

A transaction's messages go to Kafka right after the commit, and leave the outbox some moments later, many at once. If a
key has other messages in flight or queued, its messages are read from the outbox instead, in their order. What was
acknowledged is kept until it is safe, and put back into the outbox where Kafka has lost it.
"""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from datetime import timedelta
from itertools import islice

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from services.platform.bus import connection
from services.platform.bus.connection import Connection, Producer
from services.platform.bus.kept_messages import KeptMessages
from services.platform.messages.signature import Signer
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import Settings
from services.platform.store import outbox
from services.platform.store.engine import is_transient
from services.platform.store.outbox import Committed, Sent, Unsent
from services.platform.store.unit_of_work import Store, UnitOfWork

ROUNDS_AT_ONCE = 2
KEYS_A_ROUND = 100
"""While a round is free, a key goes at once and alone; keys that had to wait go together, in one transaction."""
SWEEP_EVERY_SECONDS, SWEEP_AGAIN_SECONDS = 15.0, 4.0
"""While the outbox holds nothing but what this process has published, and while it holds more."""
SWEEP_OLDER_THAN = timedelta(seconds=6)
REMOVED_AFTER_SECONDS = 4.0
"""How long a published message may stay in the outbox: if the process dies meanwhile, it is published once more. Less
than `SWEEP_OLDER_THAN`, so that the sweep finds none that is published.
"""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
STOP_GRACE_SECONDS = 3


class OutboxRelay:
    """A part of the process. The store hands it each transaction that published.

    A sweep finds messages of processes that died, and of those without a relay (commands), which tell of them.
    """

    def __init__(self, settings: Settings, store: Store, clocks: Clocks, signer: Signer) -> None:
        self._store = store
        self._signer = signer
        self._clocks = clocks
        self._producer = Producer(Connection(settings))
        self._waiting: dict[str, None] = {}
        self._in_hand: set[str] = set()
        self._settling: dict[str, asyncio.Future[None]] = {}
        self._failures: dict[str, int] = {}
        self._published: dict[int, Sent] = {}
        self._removing = asyncio.Lock()
        self._rounds: set[asyncio.Task[None]] = set()
        self._direct: set[asyncio.Task[None]] = set()
        self._keys_a_round = KEYS_A_ROUND
        self._stopping = False
        self._stopped = False
        self._failure: str | None = None
        self._older_than = timedelta(0)
        """At the first sweep, which finds what an earlier life of this process has left."""
        self._sweep = Repeating(
            "outbox sweep", self._wake_unsent, every_seconds=SWEEP_EVERY_SECONDS, again_seconds=SWEEP_AGAIN_SECONDS
        )
        self._removal = Repeating(
            "outbox removal", self._remove, every_seconds=SWEEP_EVERY_SECONDS, again_seconds=SWEEP_AGAIN_SECONDS
        )
        self._kept = KeptMessages(store, self._producer, self._remove, self._wake)
        store.on_published = self.publish
        if store.origin is not None:
            store.channels.on(outbox.channel_of(store.origin.service), lambda _: self._sweep.wake())

    def obstacle(self) -> str | None:
        return self._failure or self._sweep.obstacle() or self._removal.obstacle() or self._kept.check.obstacle()

    def publish(self, uow: UnitOfWork) -> None:
        """Publishes the messages of a committed transaction."""
        if self._stopping:
            return
        direct, later = list[Unsent](), list[str]()
        for said in uow.published_messages():
            if self._goes_directly(said):
                direct.extend(said.messages)
            else:
                later.append(said.key)
        if direct:
            self._publish_directly(direct)
        if later:
            self._wake(later)

    async def wait_published(self, keys: Sequence[str]) -> None:
        """Returns when the messages under `keys` are acknowledged, or (they stay in the outbox) the process stops."""
        waits = [self._settling[key] for key in keys if key in self._settling]
        if waits:
            await asyncio.wait(waits)

    async def start(self) -> None:
        await self._sweep.start()
        await self._removal.start()
        await self._kept.check.start()

    async def stop(self) -> None:
        self._stopping = True
        await self._kept.check.stop()
        await self._sweep.stop()
        publishable = [future for key, future in self._settling.items() if key not in self._failures]
        if publishable:
            await asyncio.wait(publishable, timeout=STOP_GRACE_SECONDS)
        self._stopped = True
        for round_ in [*self._rounds, *self._direct]:
            round_.cancel()
        await self._removal.stop()
        await self._remove_the_last()
        for future in self._settling.values():
            future.cancel()
        await self._producer.close()

    async def _wake_unsent(self) -> None:
        now = self._clocks.wall()
        async with self._store.read() as reader:
            left = await reader.fetch(outbox.left(now - self._older_than))
        self._older_than = SWEEP_OLDER_THAN
        connection.OUTBOX_DEPTH.set(left.depth)
        connection.OUTBOX_OLDEST.set((now - left.oldest).total_seconds() if left.oldest else 0)
        self._wake([key for key in left.keys if key not in self._settling])
        if left.depth > len(self._published):
            self._sweep.wake_after(SWEEP_AGAIN_SECONDS)

    def _goes_directly(self, said: Committed) -> bool:
        """Whether no other message of the key is in flight or queued. With Kafka away, messages wait in the outbox."""
        if self._failure is not None or not self._producer.is_open:
            return False
        return said.key not in self._settling and said.older.issubset(self._published)

    def _wake(self, keys: Sequence[str]) -> None:
        """Publishes these keys' messages in the outbox. Takes a key that is in hand up once more afterwards."""
        if self._stopping:
            return
        self._settle_later(keys)
        self._waiting.update(dict.fromkeys(keys))
        self._start_rounds()

    def _settle_later(self, keys: Collection[str]) -> None:
        for key in keys:
            if key not in self._settling:
                self._settling[key] = asyncio.get_running_loop().create_future()

    def _publish_directly(self, unsent: list[Unsent]) -> None:
        keys = list(dict.fromkeys(each.key for each in unsent))
        self._settle_later(keys)
        self._in_hand.update(keys)
        direct = asyncio.create_task(self._round(keys, self._publish_from_memory(unsent)))
        self._direct.add(direct)
        direct.add_done_callback(self._direct.discard)

    def _start_rounds(self) -> None:
        while len(self._rounds) < ROUNDS_AT_ONCE and not self._stopped:
            keys = list(islice((key for key in self._waiting if key not in self._in_hand), self._keys_a_round))
            if not keys:
                return
            for key in keys:
                del self._waiting[key]
            self._in_hand.update(keys)
            round_ = asyncio.create_task(self._round(keys, self._publish_from_outbox(keys)))
            self._rounds.add(round_)
            round_.add_done_callback(self._round_ended)

    def _round_ended(self, round_: asyncio.Task[None]) -> None:
        self._rounds.discard(round_)
        self._start_rounds()

    async def _round(self, keys: list[str], publishing: Awaitable[bool]) -> None:
        try:
            more = await publishing
        except Exception as error:  # noqa: BLE001 the outbox holds the messages, and readiness shows the failure
            self._retry_later(keys, error)
            return
        self._keys_a_round = min(2 * self._keys_a_round, KEYS_A_ROUND)
        for key in keys:
            self._failures.pop(key, None)
            if more:
                self._waiting[key] = None
        if not self._failures:
            self._failure = None
        self._put_down(keys)

    def _retry_later(self, keys: list[str], error: Exception) -> None:
        """Goes on in rounds of one key, so that a message that Kafka refuses holds up no other key for long."""
        connection.PUBLISH_FAILURES.inc()
        if self._failure is None:
            logger().warning("publishing failed and will be repeated", exc_info=error)
        self._failure = type(error).__name__
        self._keys_a_round = 1
        for key in keys:
            self._failures[key] = self._failures.get(key, 0) + 1
            self._waiting[key] = None
        tries = max(self._failures[key] for key in keys)
        pause = RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1]
        asyncio.get_running_loop().call_later(pause, self._put_down, keys)

    def _put_down(self, keys: list[str]) -> None:
        self._in_hand.difference_update(keys)
        for key in keys:
            if key not in self._waiting and not self._settling[key].done():
                self._settling.pop(key).set_result(None)
        self._start_rounds()

    async def _publish_from_memory(self, unsent: Sequence[Unsent]) -> bool:
        sent = await self._send(await self._producer.ready(), unsent)
        if not self._published:
            asyncio.get_running_loop().call_later(REMOVED_AFTER_SECONDS, self._removal.wake)
        self._published.update((each.position, each) for each in sent)
        return False

    async def _publish_from_outbox(self, keys: list[str]) -> bool:
        """Returns whether these keys have more messages than one round takes."""
        producer = await self._producer.ready()
        async with self._store.engine.begin() as connection:
            oldest = await outbox.oldest_unsent(connection, keys)
            unsent = [each for each in oldest if each.position not in self._published]
            if unsent:
                await outbox.keep(connection, await self._send(producer, unsent))
        return len(oldest) == outbox.BATCH

    async def _remove(self) -> None:
        """Takes messages that were published directly out of the outbox. The check of what is kept does so too, and may
        then put one back, which a second removal would take for published.
        """
        async with self._removing:
            published = list(self._published.values())
            if published:
                async with self._store.engine.begin() as connection:
                    await outbox.keep(connection, published)
            for each in published:
                del self._published[each.position]
        if self._published:
            self._removal.wake_after(REMOVED_AFTER_SECONDS)

    async def _remove_the_last(self) -> None:
        try:
            await self._remove()
        except Exception as error:
            if not is_transient(error):
                raise

    async def _send(self, producer: AIOKafkaProducer, unsent: Sequence[Unsent]) -> list[Sent]:
        """Returns when Kafka has acknowledged all messages. If it raises, none leaves the outbox."""
        logs = await self._kept.known_logs(producer.client, {each.topic for each in unsent})
        try:
            # Each was signed as it was written, but for what a process of 0.2 left (decision 103).
            sending = [
                await producer.send(each.topic, self._signer.sign(each.envelope), key=each.key.encode())
                for each in unsent
            ]
        except KafkaError as error:
            # A message that is too large for the producer itself never gets a number, so leaves no gap.
            if not isinstance(error, MessageSizeTooLargeError):
                self._producer.report_failure(producer, error)
            raise
        sent = []
        for each, acknowledged in zip(unsent, await asyncio.gather(*sending, return_exceptions=True), strict=True):
            if isinstance(acknowledged, BaseException):
                self._producer.report_failure(producer, acknowledged)
                raise acknowledged
            sent.append(self._kept.place(each, acknowledged, logs))
        for each in unsent:
            connection.PUBLISHED.labels(each.topic).inc()
        return sent
