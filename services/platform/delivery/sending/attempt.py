"""Begins attempts: those of all deliveries that wait meanwhile together, in one transaction before they are sent.

`results` records how attempts end, in a transaction after the send. So a crash anywhere is recognised: a row in
state `sending` may have arrived. Exercises are kept from reaching real people: an exercise runs from end to end, but
nobody real has asked for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from cachetools import TTLCache

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import ChannelRegistry, SendRequest, SendResult
from services.platform.delivery.events import JoinedEvents
from services.platform.delivery.model import Delivery, Postponed, Prepared, PreparedMessage, State, Undeliverable
from services.platform.delivery.queue import leases, repository
from services.platform.delivery.queue.leases import NOT_FIXED, LeasedDelivery
from services.platform.delivery.queue.repository import BODY, RECIPIENT, join_names
from services.platform.delivery.retry_policy import next_state
from services.platform.register import keys
from services.platform.register.keys import Decryptor
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.encryption import Keyring, KeyServiceAway, is_away
from services.platform.store.engine import is_contention, is_transient
from services.platform.store.query import BRIEFLY, Query, scalar
from services.platform.store.unit_of_work import GroupCommit, Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult
from services.safeguarding.identifiers import AuthorityId, PersonId

Prepare: TypeAlias = Callable[[UnitOfWork, Delivery], Awaitable[Prepared]]
"""Called once, before a delivery is first sent: looks up the recipient and their fields, and writes the body."""
Secrets: TypeAlias = Callable[[UnitOfWork, Delivery], Awaitable[tuple[str | None, tuple[str, ...]]]]
"""Called before each later attempt: where it goes by now (None: where it went), and the secrets that sign it now."""
Locks: TypeAlias = Callable[[Sequence[Delivery]], Sequence[Query[Any]]]
"""What is locked before the rows of these, which are to be prepared."""

BATCH_MOST = 16
BATCHES_AT_ONCE = 2
"""While one waits for a lock, the other goes on."""
TRANSACTIONS_AT_ONCE = 4
"""So that a burst of sends leaves database connections for the transactions that put deliveries."""
KEY_AWAY_FOR_URGENT, KEY_AWAY_FOR = timedelta(seconds=5), timedelta(seconds=60)
"""A delivery whose key is away is looked at again so often."""
CONTENDED_FOR = timedelta(seconds=1)
CONTENDED_KEPT_MOST, CONTENDED_KEPT_SECONDS = 1000, 60.0
LONG_AGO = datetime.min.replace(tzinfo=UTC)
DEFECTS_MOST = 3
"""A delivery is given up after so many attempts that an error of ours kept from being prepared, sent or recorded."""


async def no_secrets(_uow: UnitOfWork, _delivery: Delivery) -> tuple[None, tuple[str, ...]]:
    return None, ()


@dataclass(frozen=True, slots=True)
class StartedAttempt:
    request: SendRequest
    message: PreparedMessage


@dataclass(slots=True, eq=False)
class _Start:
    """A delivery whose attempt is to begin, and how far it came."""

    leased: LeasedDelivery
    message: PreparedMessage | None = None
    """None where it is undeliverable, or postponed."""
    begun_at: datetime | None = None
    number: int | None = None
    """The attempt's. None where the delivery was withdrawn or answered meanwhile, or another process holds it."""


class AttemptStarter:
    """Begins attempts for one service. `owner` holds the leases."""

    def __init__(
        self,
        owner: str,
        store: Store,
        clocks: Clocks,
        keyring: Keyring,
        channels: ChannelRegistry,
        prepare: Prepare,
        secrets: Secrets,
        locks: Locks | None = None,
    ) -> None:
        self._owner, self._store, self._clocks, self._keyring = owner, store, clocks, keyring
        self._channels, self._prepare, self._secrets, self._locks = channels, prepare, secrets, locks
        self._key_away_at = LONG_AGO
        self._contended: TTLCache[UUID, bool] = TTLCache(CONTENDED_KEPT_MOST, CONTENDED_KEPT_SECONDS)
        """Deliveries that met a lock, or took too long: each begins alone, and no two of them at once."""
        self._one_contended = asyncio.Lock()
        self._transactions = asyncio.Semaphore(TRANSACTIONS_AT_ONCE)
        self._batches: dict[tuple[bool, AuthorityId | None], GroupCommit[_Start]] = {}
        """By urgency, and by the authority whose lock the batch waits for (None: for none)."""

    async def start(self, leased: LeasedDelivery) -> StartedAttempt | None:
        """None where there is nothing to send: it is withdrawn, answered, undeliverable or postponed, or another
        process holds it.

        Raises a transient error. Any other is counted here, and the delivery postponed or given up.
        """
        start = _Start(leased)
        try:
            if leased.delivery.id in self._contended and self._one_contended.locked():
                await self._put_off(leased, CONTENDED_FOR)
                return None
            await self._begin(start)
            if start.message is None:
                return None
            if start.number is None or start.begun_at is None:
                await self._close_withdrawn(leased)
                return None
        except Exception as error:
            if (pause := self._pause_after(error, leased.delivery)) is not None:
                await self._put_off(leased, pause)
                return None
            if is_transient(error):
                raise
            await self.record_defect(leased, error)
            return None
        return StartedAttempt(_request(leased, start.message, start.number, start.begun_at), start.message)

    def obstacle(self) -> str | None:
        """A delivery was put off lately: its authority's key is away."""
        is_lately = self._clocks.wall() - self._key_away_at < 2 * KEY_AWAY_FOR
        return KeyServiceAway.__name__ if is_lately else None

    async def close(self) -> None:
        for batches in self._batches.values():
            await batches.close()

    def _pause_after(self, error: Exception, delivery: Delivery) -> timedelta | None:
        """How long a delivery waits that alone may have met this. None: it does not."""
        if is_away(error):
            self._key_away_at = self._clocks.wall()
            return KEY_AWAY_FOR_URGENT if delivery.urgent else KEY_AWAY_FOR
        if not is_contention(error):
            return None
        logger().warning("a delivery is put off", delivery=str(delivery.id), exc_info=error)
        self._contended[delivery.id] = True
        return CONTENDED_FOR

    async def _put_off(self, leased: LeasedDelivery, pause: timedelta) -> None:
        """It waits outside its lane, so that others go on."""
        now = self._clocks.wall()
        async with self._store.transaction() as uow:
            leases.postpone(uow, leased.delivery.id, self._owner, now, now + pause, leased.attempts)

    async def record_defect(self, leased: LeasedDelivery, error: Exception) -> None:
        """After an error of ours, before the attempt began or later. The delivery is tried again, and soon given up, so
        that the protocol goes on to somebody who can be told.
        """
        metrics.DEFECTS.inc()
        delivery, now, attempts = leased.delivery, self._clocks.wall(), leased.attempts + 1
        logger().error(
            "an attempt was neither begun nor recorded", delivery=str(delivery.id), attempt=attempts, exc_info=error
        )
        later = next_state(
            SendResult(AttemptResult.RETRY), created_at=delivery.created_at, urgent=delivery.urgent, now=now, chance=0.5
        )
        async with self._store.transaction() as uow:
            recorded = await uow.fetch(leases.attempts_recorded(delivery.id))
            if attempts - recorded >= DEFECTS_MOST:
                events = JoinedEvents()
                await self._close_undeliverable(uow, delivery, Undeliverable("undeliverable"), events)
                events.publish(uow)
            else:
                leases.postpone(uow, delivery.id, self._owner, now, later.next_attempt_at, attempts)

    async def _begin(self, start: _Start) -> None:
        """In a batch of those that are as urgent and wait for the same lock. If an error of ours fails it, each begins
        alone (`GroupCommit`). If the database fails it, each begins alone here: one row that stays locked must not fail
        the same batch again.
        """
        if start.leased.delivery.id in self._contended:
            async with self._one_contended:
                await self._commit([start])
            self._contended.pop(start.leased.delivery.id, None)
            return
        try:
            await self._batch_of(start.leased).put(start)
        except Exception as error:
            if not is_transient(error):
                raise
            await self._commit([start])

    def _batch_of(self, leased: LeasedDelivery) -> GroupCommit[_Start]:
        """Two batches of one authority would only wait for each other's lock, with their transactions open."""
        delivery = leased.delivery
        name = delivery.urgent, delivery.authority if self._needs_locks(leased) else None
        if name not in self._batches:
            at_once = BATCHES_AT_ONCE if name[1] is None else 1
            self._batches[name] = GroupCommit(self._commit, most=BATCH_MOST, at_once=at_once)
        return self._batches[name]

    def _needs_locks(self, leased: LeasedDelivery) -> bool:
        is_prepared = leased.is_fixed or leased.delivery.body is not None
        return not is_prepared and self._locks is not None and bool(self._locks([leased.delivery]))

    async def _commit(self, batch: Sequence[_Start]) -> None:
        """In the order of children, as messages are handled: two that lock rows of the same ones do not deadlock."""
        async with self._transactions, self._store.transaction() as uow:
            wrapped, events = await self._read_keys(uow, [each.leased for each in batch]), JoinedEvents()
            for each in sorted(batch, key=lambda each: (each.leased.delivery.child, each.leased.delivery.id)):
                await self._prepare_attempt(uow, each, wrapped.get(each.leased.delivery.owner), events)
            events.publish(uow)
        numbers = leases.attempts_begun(uow)
        for each in batch:
            each.number = numbers.get(each.leased.delivery.id)

    async def _read_keys(self, uow: UnitOfWork, batch: Sequence[LeasedDelivery]) -> Mapping[str, bytes]:
        """In the same round trip it locks the rows: some are changed at once, in the order of children, and the others
        with the commit.
        """
        queries: list[Query[Any]] = [BRIEFLY]
        if self._locks is not None:
            queries += self._locks(
                [each.delivery for each in batch if not each.is_fixed and each.delivery.body is None]
            )
        if len(queries) > 1 or len(batch) > 1:
            queries.append(repository.lock_rows(each.delivery.id for each in batch))
        owners = {each.delivery.owner for each in batch if each.needs_key}
        if owners:
            queries.append(keys.wrapped_keys_of(owners))
        if len(queries) == 1:  # nothing is asked before the commit
            uow.write(BRIEFLY.sql, BRIEFLY.parameters)
            return {}
        answers = await uow.fetch_each(queries)
        return answers[-1] if owners else {}

    async def _prepare_attempt(
        self, uow: UnitOfWork, start: _Start, wrapped: bytes | None, events: JoinedEvents
    ) -> None:
        delivery, fixed = start.leased.delivery, NOT_FIXED
        if start.leased.is_fixed:
            found: Prepared = await self._read_fixed(uow, start.leased, wrapped)
        elif delivery.to_number is not None and delivery.body is not None:
            found = PreparedMessage(delivery.to_number, delivery.body, person=delivery.person)
        else:
            found = await self._prepare(uow, delivery)
            if isinstance(found, PreparedMessage):
                fixed = await self._fix(uow, delivery, found, wrapped)
        if isinstance(found, Undeliverable):
            start.message = None
            await self._close_undeliverable(uow, delivery, found, events)
            return
        if isinstance(found, Postponed):
            start.message, now = None, self._clocks.wall()
            leases.postpone(uow, delivery.id, self._owner, now, now + found.pause, start.leased.attempts)
            return
        start.message, start.begun_at = found, self._clocks.wall()
        leases.mark_sending(uow, delivery.id, self._owner, start.begun_at, fixed)

    async def _read_fixed(
        self, uow: UnitOfWork, leased: LeasedDelivery, wrapped: bytes | None
    ) -> PreparedMessage | Undeliverable:
        decryptor, delivery = Decryptor(self._keyring, leased.delivery.owner, wrapped), leased.delivery
        recipient, body = decryptor.open(leased.recipient, RECIPIENT), decryptor.open(leased.body, BODY)
        if recipient is None or body is None:
            return Undeliverable("undeliverable")  # erased since: no later attempt will have it either
        by_now, secrets = await self._secrets(uow, delivery)
        return PreparedMessage(by_now or recipient, body, delivery.person, leased.looked_up, secrets=secrets)

    async def _fix(
        self, uow: UnitOfWork, delivery: Delivery, message: PreparedMessage, wrapped: bytes | None
    ) -> Mapping[str, Any]:
        keys.remember(uow, self._keyring, delivery.owner, wrapped)
        key = await keys.key_of(uow, self._keyring, delivery.owner, new=True)
        return {
            "recipient": key.close(message.recipient, RECIPIENT),
            "body": key.close(message.body, BODY),
            "number_hash": None if message.number is None else self._keyring.number_hash(message.number),
            "person": message.person,
            "looked_up": join_names(message.read),
        }

    async def _close_undeliverable(
        self, uow: UnitOfWork, delivery: Delivery, why: Undeliverable, events: JoinedEvents
    ) -> None:
        """No attempt will say what was read of the register: that is a message of its own here."""
        kept = await leases.close(uow, delivery.id, self._owner, self._clocks.wall(), State.FAILED)
        if kept is None:
            return
        read = tuple(dict.fromkeys((*kept, *why.read)))
        looked_up = delivery_events.looked_up(delivery, delivery_events.purpose_of(delivery), read, why.person)
        events.add(delivery, looked_up, delivery_events.failed(uow, delivery, why.reason, why.person))
        uow.on_commit(metrics.ENDED.labels(self._channels.of(delivery.medium).name, why.reason).inc)

    async def _close_withdrawn(self, leased: LeasedDelivery) -> None:
        """An earlier attempt with a lost answer may have arrived: it counts as accepted, so that its recipient hears
        the all-clear. An all-clear for an alert that never arrived is the lesser harm.
        """
        delivery = leased.delivery
        async with self._store.transaction() as uow:
            read = await leases.close(uow, delivery.id, self._owner, self._clocks.wall(), State.WITHDRAWN)
            if read is None:
                # Where nobody withdrew it, its lease was away for a moment: the next sweep claims it.
                await leases.release(uow.connection, self._owner, [delivery.id])
                return
            looked_up = delivery_events.looked_up(delivery, delivery_events.purpose_of(delivery), read, delivery.person)
            accepted = delivery_events.accepted(delivery, delivery.person) if leased.uncertain else None
            uow.publish(looked_up, accepted, subject=delivery.child, cause=delivery)


def _request(leased: LeasedDelivery, message: PreparedMessage, attempt: int, now: datetime) -> SendRequest:
    delivery = leased.delivery
    return SendRequest(
        id=delivery.id,
        attempt=attempt,
        recipient=message.recipient,
        body=message.body,
        secrets=message.secrets,
        urgent=delivery.urgent,
        uncertain=leased.uncertain,
        created_at=delivery.created_at,
        now=now,
        by_voice=leased.by_voice,
        of_duty=delivery.duty is not None,
        to_stranger=delivery.to_stranger,
        authority=delivery.authority,
        texted=delivery.texted,
    )


AUTHORITY_OF = "SELECT authority FROM register.for_contact WHERE person = %(person)s"


def block_real_recipients(prepare: Prepare, *, sandbox: bool, exercise_authority: AuthorityId) -> Prepare:
    """Wraps `prepare`. An exercise is prepared only where a sandbox plays every recipient, or for `exercise_authority`
    (empty: there is none), whose force, numbers and mailboxes are our own. Every other exercise's duty ends as
    undeliverable; so does one that would go to another authority's person, such as the host authority's desk. A
    connection test is no duty, and goes.
    """

    async def prepared(uow: UnitOfWork, delivery: Delivery) -> Prepared:
        if sandbox or not delivery.exercise or delivery.duty is None:
            return await prepare(uow, delivery)
        if not exercise_authority or delivery.authority != exercise_authority:
            return Undeliverable("exercise")
        message = await prepare(uow, delivery)
        if isinstance(message, PreparedMessage) and not await _is_our_own(uow, message.person):
            return Undeliverable("exercise", message.person, message.read)
        return message

    async def _is_our_own(uow: UnitOfWork, person: PersonId | None) -> bool:
        """A force is not a person: the exercise authority's placement names one of our own."""
        if person is None:
            return True
        return bool(await uow.fetch(Query(AUTHORITY_OF, {"person": person}, scalar)) == exercise_authority)

    return prepared
