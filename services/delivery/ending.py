"""What came of attempts: of all that end while others are being written, in one transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery import metrics, outcomes, standing
from services.delivery.attempt import Begun
from services.delivery.claims import InHand
from services.delivery.medium import Answer, Media
from services.delivery.outcomes import Speaker
from services.delivery.parcel import State
from services.delivery.settling import patience_of, settle
from services.delivery.standing import Made
from services.runtime.clocks import Clocks
from services.safeguarding.evidence import AttemptResult
from services.store.encryption import Keyring
from services.store.group_commit import GroupCommit
from services.store.transaction import Store, Transaction

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answered:
    """`took_ms`: how long the answer took."""

    hand: InHand
    begun: Begun
    answer: Answer
    took_ms: int


class Ending:
    """Ends attempts for one service. `owner` is who holds the leases."""

    def __init__(self, service: str, owner: str, store: Store, clocks: Clocks, keyring: Keyring, media: Media) -> None:
        self._service, self._owner, self._store = service, owner, store
        self._clocks, self._keyring, self._media = clocks, keyring, media
        self._group = GroupCommit(self._commit, most=AT_ONCE)

    async def end(self, answered: Answered) -> None:
        """Returns when it is written."""
        await self._group.put(answered)

    async def close(self) -> None:
        """What is not written by then is found as begun, and its answer as lost."""
        await self._group.close()

    async def _commit(self, several: Sequence[Answered]) -> None:
        """Rows in one order, so that two processes which want the same ones do not wait for each other for ever."""
        async with self._store.transaction() as transaction:
            for each in sorted(several, key=lambda each: each.hand.parcel.id):
                await self._write(transaction, each)

    async def _write(self, transaction: Transaction, answered: Answered) -> None:
        now, hand, parcel, answer = self._clocks.wall(), answered.hand, answered.hand.parcel, answered.answer
        person, sending = answered.begun.fixed.person, answered.begun.sending
        medium = answer.medium or self._media.of(parcel.medium, sending.recipient).name
        chance = random.random()  # noqa: S311 spreads repeats, guards nothing
        as_ = settle(
            answer,
            created_at=parcel.created_at,
            urgent=parcel.urgent,
            now=now,
            chance=chance,
            uncertain=hand.uncertain,
            patience=patience_of(medium),
        )
        body_hash = self._keyring.body_hash(sending.body.encode())
        made = Made(self._service, medium, sending, answer, answered.took_ms, body_hash)
        attempted = outcomes.attempted(
            parcel, answer, medium=medium, sending=sending, took_ms=answered.took_ms, person=person, body_hash=body_hash
        )
        outcome = outcomes.accepted(parcel, person) if as_.state is State.ACCEPTED else None
        if as_.reason is None:
            standing.settled_last(transaction, made, self._owner, now, as_)
        else:
            stands = await standing.settled(transaction, made, self._owner, now, as_)
            if stands == State.FAILED:
                outcome = outcomes.failed(parcel, as_.reason, person)
                transaction.after_commit(metrics.ENDED.labels(medium, as_.reason).inc)
            elif stands == State.WITHDRAWN and (hand.uncertain or answer.result is AttemptResult.UNKNOWN):
                # As where it is found withdrawn before an attempt (`Attempt`): its recipient hears the all-clear.
                outcome = outcomes.accepted(parcel, person)
        await Speaker(self._service, self._clocks.story(), now).say(transaction, parcel, attempted, outcome)
        if as_.state is State.ACCEPTED:
            seconds = (now - parcel.created_at).total_seconds()
            transaction.after_commit(lambda: metrics.ACCEPTED_SECONDS.labels(medium).observe(seconds))
            transaction.after_commit(metrics.ENDED.labels(medium, State.ACCEPTED).inc)
