"""What happens to every message, whichever service hears it: once, with its effects, or a dead letter, or a visible wait."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import structlog
from aiokafka.errors import KafkaError

from services.bus import metrics
from services.bus.envelope import Received, Unreadable, kind_of, read, say
from services.bus.publisher import Publisher
from services.runtime.clocks import Clocks
from services.runtime.logs import logger, place
from services.safeguarding import identifiers
from services.safeguarding.contracts import contract_of
from services.safeguarding.decisions import MessageDeadLettered
from services.safeguarding.message import Message, Topic
from services.store import inbox
from services.store.failures import passes_by_itself
from services.store.transaction import Store, Transaction

Handler: TypeAlias = Callable[[Received[Any], Transaction], Awaitable[None]]

ATTEMPTS = 3
"""How often a failure that does not pass by itself is tried before it becomes a dead letter: well within 30 s."""
ATTEMPT_PAUSE_SECONDS = 0.5
ORIGINAL_BYTES_MOST = 256 * 1024
"""Kafka takes no message over 1 MB, and base64 adds a third."""
WAIT_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Contract:
    """`take` returns True when the message may be acknowledged, False when the process stops first (it will come again)."""

    def __init__(
        self,
        service: str,
        store: Store,
        publisher: Publisher,
        clocks: Clocks,
        handlers: Mapping[type[Message], Handler],
        last_resort: Handler | None = None,
    ) -> None:
        self.service = service
        self.topics = sorted({each.topic for each in handlers})
        self.stopping = asyncio.Event()
        self.waiting: dict[str, str] = {}
        self._store = store
        self._publisher = publisher
        self._clocks = clocks
        self._handlers = {each.kind: handler for each, handler in handlers.items()}
        self._last_resort = last_resort

    def obstacle(self) -> str | None:
        return next(iter(self.waiting.values()), None)

    async def take(self, raw: bytes, topic: Topic, origin: str) -> bool:
        try:
            kind = kind_of(raw)
            if kind not in self._handlers and contract_of(kind, topic):
                return True
            received = read(raw, topic=topic, origin=origin)
        except Unreadable as unreadable:
            return await self._give_up(raw, origin, unreadable.reason, unreadable.kind, unreadable.message_id, None)
        with structlog.contextvars.bound_contextvars(
            trace=received.trace, kind=kind, message_id=received.id, exercise=received.exercise or None
        ):
            started = time.perf_counter()
            taken = await self._work(raw, received, origin)
            metrics.HANDLING.labels(kind).observe(time.perf_counter() - started)
        return taken

    async def _work(self, raw: bytes, received: Received[Message], origin: str) -> bool:
        failures = 0
        while True:
            try:
                keys = await self._once(received)
            except Exception as error:  # noqa: BLE001 classified just below; none may reach Faust, which would skip the message
                if passes_by_itself(error) or isinstance(error, KafkaError):
                    if not await self._wait(origin, error):
                        return False
                    continue
                failures += 1
                if failures < ATTEMPTS:
                    await asyncio.sleep(ATTEMPT_PAUSE_SECONDS)
                    continue
                reason = place(error)
                return await self._give_up(raw, origin, reason, received.content.kind, received.id, received)
            self._goes_on(origin)
            await self._publisher.settled(keys)
            return True

    async def _once(self, received: Received[Message]) -> list[str]:
        async with self._store.transaction() as transaction:
            mark = await inbox.mark(
                transaction,
                source=received.source,
                message_id=received.id,
                content_hash=received.content_hash,
                at=self._clocks.wall(),
            )
            if mark is inbox.Mark.NEW:
                await self._handlers[received.content.kind](received, transaction)
        metrics.HANDLED.labels(received.content.kind, mark).inc()
        return list(transaction.keys_said)

    async def _give_up(
        self,
        raw: bytes,
        origin: str,
        reason: str,
        kind: str | None,
        message_id: str | None,
        received: Received[Message] | None,
    ) -> bool:
        """A dead letter, under an id that follows from its origin: however often this happens, it is one."""
        logger().error("a message was dead-lettered", kind=kind, message_id=message_id, reason=reason)
        letter = MessageDeadLettered(
            service=self.service,
            origin=origin,
            reason=reason,
            original_kind=kind if kind is not None and contract_of(kind) else None,
            original_id=message_id if received is not None else None,
            original=base64.b64encode(raw).decode() if len(raw) <= ORIGINAL_BYTES_MOST else None,
        )
        subject = received.subject if received is not None else identifiers.provisional_child(origin)
        while True:
            try:
                async with self._store.transaction() as transaction:
                    now = self._clocks.wall()
                    await say(
                        transaction,
                        letter,
                        said_by=self.service,
                        subject=subject,
                        at=self._clocks.story(),
                        now=now,
                        message_id=str(identifiers.derived("dead letter", self.service, origin)),
                    )
                    if self._last_resort is not None and received is not None:
                        await self._last_resort(received, transaction)
            except Exception as error:  # noqa: BLE001 the message stays in hand until it is either in the outbox or comes again
                if not await self._wait(origin, error):
                    return False
                continue
            break
        metrics.DEAD_LETTERS.labels(letter.original_kind or "unknown").inc()
        self._goes_on(origin)
        await self._publisher.settled(list(transaction.keys_said))
        return True

    async def _wait(self, origin: str, error: Exception) -> bool:
        """False when the process stops meanwhile."""
        before = self.waiting.get(origin)
        if before is None:
            logger().warning("a message waits for what is away", exc_info=error)
        self.waiting[origin] = type(error).__name__
        metrics.WAITING.set(len(self.waiting))
        pause = WAIT_SECONDS[-1] if before else WAIT_SECONDS[1]
        try:
            await asyncio.wait_for(self.stopping.wait(), pause)
        except TimeoutError:
            return True
        return False

    def _goes_on(self, origin: str) -> None:
        self.waiting.pop(origin, None)
        metrics.WAITING.set(len(self.waiting))
