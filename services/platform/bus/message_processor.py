"""Processes every message of every service: once, with its effects, or into a dead letter, or after a visible wait.

A subscription says which events a service takes, who handles them, and how soon.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, TypeAlias

import structlog
from aiokafka.errors import KafkaError

from services.platform.bus import connection
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.messages.envelope import Raw, Received, Unreadable, kind_of, letter_about, read
from services.platform.messages.signature import KnownSpeakers, Refused, require_own_source
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger, place
from services.platform.store import inbox
from services.platform.store.engine import is_transient, took_too_long
from services.platform.store.inbox import Identity
from services.platform.store.query import Query
from services.platform.store.unit_of_work import GroupCommit, Store, UnitOfWork
from services.safeguarding import identifiers
from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.message import Message, Topic

Handler: TypeAlias = Callable[[Received[Any], UnitOfWork], Awaitable[None]]


class Priority(Enum):
    URGENT = auto()
    """Somebody waits for it. It shares transactions with urgent messages alone, and does not queue behind others."""
    NORMAL = auto()
    """Handled after the messages that came before it."""
    BACKGROUND = auto()
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """`skip_if` is true for content that the handler would ignore. Such a message costs no transaction. `urgent_if` is
    true for content that is urgent, whatever the `priority`.
    """

    event: type[Message]
    handler: Handler
    priority: Priority = Priority.NORMAL
    skip_if: Callable[[Any], bool] | None = None
    urgent_if: Callable[[Any], bool] | None = None

    def is_urgent(self, content: Message) -> bool:
        return self.priority is Priority.URGENT or (self.urgent_if is not None and self.urgent_if(content))


def in_background(handlers: Mapping[type[Message], Handler]) -> list[Subscription]:
    return [Subscription(event, handler, Priority.BACKGROUND) for event, handler in handlers.items()]


GATHERED_SECONDS = {Priority.URGENT: 0.0, Priority.NORMAL: 0.05, Priority.BACKGROUND: 0.75}
"""How long the first message of a topic waits for others, by the most urgent that the topic brings. Duties of one
decision come within milliseconds, and share what they cost.
"""


def gathered_seconds(subscriptions: Iterable[Subscription]) -> dict[Topic, float]:
    """How long the first message waits, by topic: as the most urgent of its subscriptions allows."""
    waits: dict[Topic, float] = {}
    for each in subscriptions:
        topic, wait = each.event.topic, GATHERED_SECONDS[each.priority]
        waits[topic] = min(wait, waits.get(topic, wait))
    return waits


@dataclass(frozen=True, slots=True)
class Prefetch:
    """Reads or locks for a whole batch, in the round trip of its inbox marks, what each handler would by itself."""

    queries: Callable[[Sequence[Received[Any]]], Sequence[Query[Any]]]
    """Asked of the whole batch: which of its messages were done before is not known yet."""
    remember: Callable[[UnitOfWork, Sequence[Any]], None] = lambda _uow, _answers: None
    """Puts the answers where the handlers find them (`UnitOfWork.local`)."""


ATTEMPTS = 3
"""How often a message is tried whose failure is not transient, before it becomes a dead letter: well within 30 s."""
ATTEMPT_PAUSE_SECONDS = 0.5
OVERLONG_ATTEMPTS = 10
"""A message whose statement takes too long this often, while others do not, becomes a dead letter: in four minutes."""
FIRST_WAIT_SECONDS, LATER_WAIT_SECONDS = 0.2, 2.0
"""Pauses while a dependency is away. The first is short, since most come back at once."""
YIELDS_FOR_SECONDS = 0.05
"""How long other messages let urgent ones go first. They get their turn though one urgent message follows another."""


@dataclass(slots=True)
class _Bundle:
    """Messages of one partition, in their order, and the keys under which their handlers published."""

    messages: list[Received[Message]]
    keys: list[str] = field(default_factory=list)


class MessageProcessor:
    """Gives each message to its handler. None is acknowledged before its effects are committed and its events
    published.

    Urgent messages have transactions of their own, so that they need not wait for messages that came before.
    """

    def __init__(
        self,
        service: str,
        store: Store,
        relay: OutboxRelay,
        clocks: Clocks,
        speakers: KnownSpeakers,
        subscriptions: Sequence[Subscription],
        last_resort: Handler | None = None,
        *,
        prefetch: Prefetch | None = None,
        most_bundles: int,
        gather_seconds: float = 0.0,
    ) -> None:
        """At most `most_bundles` share a transaction, and the first waits `gather_seconds` for others."""
        self.service = service
        self.topics = sorted({each.event.topic for each in subscriptions})
        self.gathered_seconds = gathered_seconds(subscriptions)
        self.stopping = asyncio.Event()
        self.waiting: dict[str, str] = {}
        self._store = store
        self._relay = relay
        self._clocks = clocks
        self._speakers = speakers
        self.subscriptions = {each.event.kind: each for each in subscriptions}
        self._last_resort = last_resort
        self._prefetch = prefetch
        self._group = GroupCommit(self._commit, most=most_bundles, gather_seconds=gather_seconds)
        self._urgent = GroupCommit(self._commit, most=most_bundles)
        self._none_urgent = asyncio.Event()
        self._none_urgent.set()
        self._transactions = 0

    def obstacle(self) -> str | None:
        return next(iter(self.waiting.values()), None)

    async def process_batch(self, messages: Sequence[Raw]) -> int:
        """Returns how many of them, from the first on, may be acknowledged: all, unless the process stops first (the
        rest will come again). Messages of all partitions share a transaction: the busier the service, the less a
        message costs. If the transaction fails for any reason, each message goes alone, so that one that cannot be
        processed takes no other with it.
        """
        try:
            bundle = _Bundle([each for each in map(self._read, messages) if each is not None])
            if bundle.messages:
                await (self._urgent if self._has_urgent(bundle.messages) else self._group).put(bundle)
        except Exception as error:  # noqa: BLE001 each is processed alone next, which reports its own failure
            logger().info("a batch failed and its messages are processed one by one", reason=place(error))
            for done, each in enumerate(messages):
                if not await self._process(each):
                    return done
        else:
            await self._relay.wait_published(bundle.keys)
        return len(messages)

    async def close(self) -> None:
        """Rolls back open transactions. Their messages come again."""
        await asyncio.gather(self._group.close(), self._urgent.close())

    async def _process(self, raw: Raw) -> bool:
        """True: the message may be acknowledged. False: the process stops first (it will come again)."""
        try:
            received = self._read(raw)
            if received is None:
                return True
            with _bound(received):
                return await self._process_alone(raw, received)
        except Unreadable as unreadable:
            if isinstance(unreadable, Refused):
                connection.REFUSED.labels(unreadable.doubt).inc()
            return await self._give_up(raw, unreadable.reason, unreadable.kind, unreadable.message_id)
        finally:
            # After a cancellation too: the partition has gone to another process, and nothing waits here any more.
            self._clear_waiting(raw.origin)

    def _read(self, raw: Raw) -> Received[Message] | None:
        """Returns None for a message that this service ignores. Raises Unreadable, and Refused before it reads on."""
        kind = kind_of(raw.content)
        subscription = self.subscriptions.get(kind)
        if subscription is None and contract_of(kind, raw.topic):
            return None
        speaker = self._speakers.speaker_of(raw.content, kind)
        received = read(raw.content, topic=raw.topic, origin=raw.origin)
        require_own_source(received, speaker)
        skips = subscription is not None and subscription.skip_if is not None and subscription.skip_if(received.content)
        return None if skips else received

    async def _commit(self, bundles: Sequence[_Bundle]) -> None:
        """Handles children in one order, so that processes with messages about the same children do not deadlock."""
        pairs = [(bundle, each) for bundle in bundles for each in bundle.messages]
        pairs.sort(key=lambda pair: pair[1].subject)
        keys = await self._in_turn([each for _, each in pairs])
        for (bundle, _), own in zip(pairs, keys, strict=True):
            bundle.keys.extend(own)

    def _has_urgent(self, several: Sequence[Received[Message]]) -> bool:
        return any(self.subscriptions[each.content.kind].is_urgent(each.content) for each in several)

    async def _in_turn(self, several: Sequence[Received[Message]]) -> list[list[str]]:
        """Lets urgent messages have this process to themselves. Whoever waits holds no transaction yet."""
        if not self._has_urgent(several):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._none_urgent.wait(), YIELDS_FOR_SECONDS)
            return await self._in_one_transaction(several)
        self._none_urgent.clear()
        try:
            return await self._in_one_transaction(several, briefly=True)
        finally:
            self._none_urgent.set()

    async def _process_alone(self, raw: Raw, received: Received[Message]) -> bool:
        """Where a statement takes too long, the database may be slow for all. Its message becomes a dead letter only
        while others are handled.
        """
        failures, overlong, others = 0, 0, self._transactions
        while True:
            try:
                [keys] = await self._in_one_transaction([received])
            except Exception as error:  # noqa: BLE001 classified below; Faust would skip the message
                if took_too_long(error) and self._transactions != others:
                    overlong, others = overlong + 1, self._transactions
                passes = is_transient(error) or isinstance(error, KafkaError)
                if passes and overlong < OVERLONG_ATTEMPTS:
                    if not await self._wait(raw.origin, error):
                        return False
                    continue
                failures += 1
                if failures < ATTEMPTS and not passes:
                    await asyncio.sleep(ATTEMPT_PAUSE_SECONDS)
                    continue
                return await self._give_up(raw, place(error), received.content.kind, received.id, received)
            self._clear_waiting(raw.origin)
            await self._relay.wait_published(keys)
            return True

    async def _in_one_transaction(
        self, several: Sequence[Received[Message]], *, briefly: bool = False
    ) -> list[list[str]]:
        """Handles all messages in one transaction, in order. Returns, for each, the keys under which it published.

        `briefly`: it waits so for locks. One row that a stopped process holds would keep all urgent messages waiting.
        """
        keys: list[list[str]] = []
        identities = [Identity(each.source, each.id, each.content_hash) for each in several]
        async with self._store.transaction() as uow:
            queries = [] if self._prefetch is None else self._prefetch.queries(several)
            now = self._clocks.wall()
            marks, answers = await inbox.mark_and_ask(uow, identities, now, *queries, briefly=briefly)
            if self._prefetch is not None:
                self._prefetch.remember(uow, answers)
            for received, mark in zip(several, marks, strict=True):
                published_before, uow.published_keys = uow.published_keys, {}
                if mark is inbox.Mark.NEW:
                    await self._handle(received, uow)
                keys.append(list(uow.published_keys))
                uow.published_keys = published_before | uow.published_keys
        self._transactions += 1
        for received, mark in zip(several, marks, strict=True):
            connection.HANDLED.labels(received.content.kind, mark).inc()
        return keys

    async def _handle(self, received: Received[Message], uow: UnitOfWork) -> None:
        kind, started = received.content.kind, time.perf_counter()
        with _bound(received), spans.measure(kind, received.trace, "CONSUMER") as trace:
            inside = received if trace == received.trace else replace(received, trace=trace)
            await self.subscriptions[kind].handler(inside, uow)
        connection.HANDLING.labels(kind).observe(time.perf_counter() - started)

    async def _give_up(
        self, raw: Raw, reason: str, kind: str | None, message_id: str | None, received: Received[Message] | None = None
    ) -> bool:
        """Publishes a dead letter. Its id comes from the message and its place: a repetition makes no second letter. A
        letter that another would only repeat is counted and logged alone. One about practice is practice; what cannot
        be read is not believed to be.
        """
        letter = letter_about(
            raw, service=self.service, reason=reason, kind=kind, message_id=message_id if received is not None else None
        )
        known = letter.original_kind  # an unknown kind may be anybody's words
        logger().error("a message was dead-lettered", kind=known, message_id=message_id, reason=reason)
        if _would_repeat(kind, received):
            connection.DEAD_LETTERS.labels(kind).inc()
            self._clear_waiting(raw.origin)
            return True
        subject = received.subject if received is not None else identifiers.provisional_child(raw.identity)
        while True:
            try:
                async with self._store.transaction() as uow:
                    letter_id = identifiers.derived("dead letter", self.service, raw.identity)
                    uow.publish(letter, subject=subject, message_id=str(letter_id), cause=received)
                    if self._last_resort is not None and received is not None:
                        await self._last_resort(received, uow)
                break
            except Exception as error:  # noqa: BLE001 the message stays in hand, or comes again
                if not await self._wait(raw.origin, error):
                    return False
        connection.DEAD_LETTERS.labels(letter.original_kind or "unknown").inc()
        self._clear_waiting(raw.origin)
        await self._relay.wait_published(list(uow.published_keys))
        return True

    async def _wait(self, origin: str, error: Exception) -> bool:
        """Returns False if the process stops meanwhile."""
        before = self.waiting.get(origin)
        if before is None:
            logger().warning("a message waits for a dependency that is away", exc_info=error)
        self.waiting[origin] = type(error).__name__
        connection.WAITING.set(len(self.waiting))
        pause = LATER_WAIT_SECONDS if before else FIRST_WAIT_SECONDS
        try:
            await asyncio.wait_for(self.stopping.wait(), pause)
        except TimeoutError:
            return True
        return False

    def _clear_waiting(self, origin: str) -> None:
        self.waiting.pop(origin, None)
        connection.WAITING.set(len(self.waiting))


def _would_repeat(kind: str | None, received: Received[Message] | None) -> bool:
    """Whether it is a letter that was refused, or is about a letter: one about it would only fail again."""
    if kind != MessageDeadLettered.kind:
        return False
    letter = None if received is None else received.content
    return not isinstance(letter, MessageDeadLettered) or letter.is_about_a_letter


def _bound(received: Received[Message]) -> AbstractContextManager[Any]:
    """Adds the message to every line that is logged inside the block."""
    return structlog.contextvars.bound_contextvars(
        trace=received.trace, kind=received.content.kind, message_id=received.id, exercise=received.exercise or None
    )
