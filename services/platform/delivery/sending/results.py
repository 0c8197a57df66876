"""What came of attempts: of all that end while others are being written, in one transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import ChannelRegistry, SendResult
from services.platform.delivery.model import State
from services.platform.delivery.queue import transitions
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.queue.transitions import Made
from services.platform.delivery.retry_policy import next_state, patience_of
from services.platform.delivery.sending.attempt import Begun
from services.platform.runtime.clocks import Clocks
from services.platform.store.batch_writer import GroupCommit
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.evidence import AttemptResult

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """`took_ms`: how long the answer took."""

    hand: LeasedDelivery
    begun: Begun
    answer: SendResult
    took_ms: int


class ResultWriter:
    """Ends attempts for one service. `owner` is who holds the leases."""

    def __init__(
        self, service: str, owner: str, store: Store, clocks: Clocks, keyring: Keyring, media: ChannelRegistry
    ) -> None:
        self._service, self._owner, self._store = service, owner, store
        self._clocks, self._keyring, self._media = clocks, keyring, media
        self._group = GroupCommit(self._commit, most=AT_ONCE)

    async def end(self, answered: AttemptOutcome) -> None:
        """Returns when it is written."""
        await self._group.put(answered)

    async def close(self) -> None:
        """What is not written by then is found as begun, and its answer as lost."""
        await self._group.close()

    async def _commit(self, several: Sequence[AttemptOutcome]) -> None:
        """Rows in one order, so that two processes which want the same ones do not wait for each other for ever."""
        async with self._store.transaction() as uow:
            for each in sorted(several, key=lambda each: each.hand.delivery.id):
                await self._write(uow, each)

    async def _write(self, uow: UnitOfWork, answered: AttemptOutcome) -> None:
        now, hand, delivery, answer = self._clocks.wall(), answered.hand, answered.hand.delivery, answered.answer
        person, sending = answered.begun.fixed.person, answered.begun.sending
        medium = answer.medium or self._media.of(delivery.medium, sending.recipient).name
        chance = random.random()  # noqa: S311 spreads repeats, guards nothing
        as_ = next_state(
            answer,
            created_at=delivery.created_at,
            urgent=delivery.urgent,
            now=now,
            chance=chance,
            uncertain=hand.uncertain,
            patience=patience_of(medium),
        )
        body_hash = self._keyring.body_hash(sending.body.encode())
        made = Made(self._service, medium, sending, answer, answered.took_ms, body_hash)
        attempted = delivery_events.attempted(
            delivery,
            answer,
            medium=medium,
            sending=sending,
            took_ms=answered.took_ms,
            person=person,
            body_hash=body_hash,
        )
        outcome = delivery_events.accepted(delivery, person) if as_.state is State.ACCEPTED else None
        if as_.reason is None:
            transitions.settled_last(uow, made, self._owner, now, as_)
        else:
            stands = await transitions.settled(uow, made, self._owner, now, as_)
            if stands == State.FAILED:
                outcome = delivery_events.failed(delivery, as_.reason, person)
                uow.on_commit(metrics.ENDED.labels(medium, as_.reason).inc)
            elif stands == State.WITHDRAWN and (hand.uncertain or answer.result is AttemptResult.UNKNOWN):
                # As where it is found withdrawn before an attempt (`Attempt`): its recipient hears the all-clear.
                outcome = delivery_events.accepted(delivery, person)
        uow.publish(attempted, outcome, subject=delivery.child, cause=delivery)
        if as_.state is State.ACCEPTED:
            seconds = (now - delivery.created_at).total_seconds()
            uow.on_commit(lambda: metrics.ACCEPTED_SECONDS.labels(medium).observe(seconds))
            uow.on_commit(metrics.ENDED.labels(medium, State.ACCEPTED).inc)
