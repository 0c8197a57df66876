"""Writes the results of attempts: those of all attempts that end meanwhile together, in one transaction."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cachetools import TTLCache

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import AttemptRecord, ChannelRegistry, SendResult
from services.platform.delivery.events import JoinedEvents
from services.platform.delivery.model import State
from services.platform.delivery.queue import leases, repository
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.retry_policy import next_state, patience_of
from services.platform.delivery.sending.attempt import CONTENDED_KEPT_MOST, CONTENDED_KEPT_SECONDS, StartedAttempt
from services.platform.store.encryption import Keyring
from services.platform.store.engine import is_contention
from services.platform.store.query import BRIEFLY
from services.platform.store.unit_of_work import GroupCommit, Store, UnitOfWork
from services.safeguarding.duty.decisions import AttemptResult

BATCH_MOST = 16
ALONE_AT_ONCE = 2
HELD_SECONDS = 0.1
"""An acceptance waits so long for attempts that are under way: nobody waits for it but the time of the next step."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """`took_ms`: how long the other end took to answer. `at`: when it did, in wall time."""

    leased: LeasedDelivery
    attempt: StartedAttempt
    result: SendResult
    took_ms: int
    at: datetime


class ResultWriter:
    """Writes results for one service. `owner` holds the leases."""

    def __init__(self, service: str, owner: str, store: Store, keyring: Keyring, channels: ChannelRegistry) -> None:
        self._service, self._owner, self._store = service, owner, store
        self._keyring, self._channels = keyring, channels
        self._batches = GroupCommit(self._commit, most=BATCH_MOST, gather_seconds=HELD_SECONDS)
        self._contended: TTLCache[UUID, bool] = TTLCache(CONTENDED_KEPT_MOST, CONTENDED_KEPT_SECONDS)
        """Deliveries whose rows were locked, and those that were to be written with them: each is written alone."""
        self._alone = asyncio.Semaphore(ALONE_AT_ONCE)

    async def write(self, outcome: AttemptOutcome, *, alone: bool = True) -> None:
        """Returns when it is committed. Unless it is `alone`, an acceptance waits a moment for others. No other result
        waits: it brings the next attempt, or the next person. Raises what kept it, and it alone, from being committed.
        """
        name = outcome.leased.delivery.id
        if name not in self._contended:
            try:
                await self._batches.put(outcome, hurries=alone or outcome.result.result is not AttemptResult.ACCEPTED)
            except Exception as error:
                if not is_contention(error):
                    raise
                self._contended[name] = True
            else:
                return
        async with self._alone:
            await self._commit([outcome])
        self._contended.pop(name, None)

    def hurry(self) -> None:
        """No other result will come soon, or a delivery waits for the place of one whose result is not written yet."""
        self._batches.hurry()

    async def close(self) -> None:
        """A result that is not written by then counts as lost: its row stays in state `sending`."""
        await self._batches.close()

    async def _commit(self, batch: Sequence[AttemptOutcome]) -> None:
        """In the order of rows (`row_locks`). A last result is written before the others, which go with the commit."""
        may_end = any(each.result.result is not AttemptResult.ACCEPTED for each in batch)
        async with self._store.transaction() as uow:
            if may_end and len(batch) > 1:
                await uow.fetch(BRIEFLY, repository.lock_rows(each.leased.delivery.id for each in batch))
            else:
                uow.write(BRIEFLY.sql, BRIEFLY.parameters)
            events = JoinedEvents()
            for each in sorted(batch, key=lambda each: each.leased.delivery.id):
                await self._write(uow, each, events)
            events.publish(uow)

    async def _write(self, uow: UnitOfWork, outcome: AttemptOutcome, events: JoinedEvents) -> None:
        now, leased, delivery, result = outcome.at, outcome.leased, outcome.leased.delivery, outcome.result
        person, request = outcome.attempt.message.person, outcome.attempt.request
        medium = result.medium or self._channels.of(delivery.medium, request.recipient).name
        transition = next_state(
            result,
            created_at=delivery.created_at,
            urgent=delivery.urgent,
            now=now,
            chance=random.random(),  # noqa: S311 spreads repeats, guards nothing
            uncertain=leased.uncertain,
            patience=patience_of(medium),
        )
        body_hash = self._keyring.body_hash(request.body.encode())
        record = AttemptRecord(self._service, medium, request, result, outcome.took_ms, body_hash)
        event = delivery_events.accepted(delivery, person) if transition.state is State.ACCEPTED else None
        if transition.reason is None:
            leases.record_result(uow, record, self._owner, now, transition)
        else:
            state = await leases.record_final_result(uow, record, self._owner, now, transition)
            if state == State.FAILED:
                event = delivery_events.failed(uow, delivery, transition.reason, person)
                uow.on_commit(metrics.ENDED.labels(medium, transition.reason).inc)
            elif state == State.WITHDRAWN and (leased.uncertain or result.result is AttemptResult.UNKNOWN):
                # As before an attempt (`AttemptStarter`): its recipient hears the all-clear.
                event = delivery_events.accepted(delivery, person)
        attempted = delivery_events.attempted(delivery, record, person, outcome.attempt.message.read)
        events.add(delivery, attempted, event)
        if transition.state is State.ACCEPTED:
            seconds = (now - delivery.created_at).total_seconds()
            uow.on_commit(lambda: metrics.ACCEPTED_SECONDS.labels(medium).observe(seconds))
            uow.on_commit(metrics.ENDED.labels(medium, State.ACCEPTED).inc)
