"""One attempt: begun and ended (`ending`) in different transactions, with the send between them, so that a crash anywhere is recognised.

The first is begun in the transaction that puts the parcel, where there is a place to send it from.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from services.delivery import metrics, outcomes, standing
from services.delivery.claims import InHand
from services.delivery.medium import Answer, Media, Sending
from services.delivery.outcomes import Speaker
from services.delivery.parcel import Fixed, Parcel, State, Undeliverable
from services.delivery.rows import BODY, RECIPIENT
from services.delivery.settling import settle
from services.register.keys import key_of, opener
from services.runtime.clocks import Clocks
from services.runtime.logs import logger
from services.safeguarding.evidence import AttemptResult
from services.store.encryption import Keyring
from services.store.failures import passes_by_itself
from services.store.transaction import Store, Transaction

Prepare: TypeAlias = Callable[[Transaction, Parcel], Awaitable[Fixed | Undeliverable]]
"""Asked once, when a parcel is first sent: who holds the role, which of their fields are needed, what the body says."""
Secrets: TypeAlias = Callable[[Transaction, Parcel], Awaitable[tuple[str, ...]]]
"""Asked at each later attempt: what it is to be signed with now."""

FIRST = 1
DEFECTS_MOST = 3
"""A parcel that cannot be prepared, sent or ended, for no reason that passes by itself, is given up after so many attempts."""


async def no_secrets(_transaction: Transaction, _parcel: Parcel) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Begun:
    sending: Sending
    fixed: Fixed


@dataclass(frozen=True)
class Attempt:
    """Makes attempts for one service. `owner` is who holds the leases."""

    service: str
    owner: str
    store: Store
    clocks: Clocks
    keyring: Keyring
    media: Media
    prepare: Prepare
    secrets: Secrets = no_secrets

    async def begin(self, hand: InHand) -> Begun | None:
        """None where there is nothing to send any more: withdrawn, answered, undeliverable, or in another process's hands."""
        try:
            async with self.store.transaction() as transaction:
                fixed, sealed = await self._fixed(transaction, hand)
                if isinstance(fixed, Undeliverable):
                    await self._undeliverable(transaction, hand.parcel, fixed)
                    return None
                now = self.clocks.wall()
                attempt = await standing.begun(transaction, hand.parcel.id, self.owner, now, sealed)
            if attempt is None:
                await self._withdrawn(hand)
                return None
        except Exception as error:
            if passes_by_itself(error):
                raise
            await self.defect(hand, error)
            return None
        return Begun(_sending(hand, fixed, attempt, now), fixed)

    async def begin_where_put(self, transaction: Transaction, hand: InHand) -> Begun | None:
        """None where it cannot be sent: `begin` finds out why, and says so. So it does where, after the commit, it has not begun
        (`standing.has_begun`).
        """
        fixed, sealed = await self._fixed(transaction, hand)
        if isinstance(fixed, Undeliverable):
            return None
        now = self.clocks.wall()
        standing.begun_where_put(transaction, hand.parcel.id, self.owner, now, sealed)
        return Begun(_sending(hand, fixed, FIRST, now), fixed)

    async def send(self, hand: InHand, begun: Begun) -> tuple[Answer, int]:
        """The answer, and how many milliseconds it took. A medium raises nothing; where one does all the same, nobody knows whether
        it was sent, and the schedule goes on to its end, instead of the lease being taken again for ever.
        """
        medium = self.media.of(hand.parcel.medium, begun.sending.recipient)
        started = time.perf_counter()
        try:
            answer = await medium.send(begun.sending)
        except Exception as error:  # noqa: BLE001 whatever it is: an attempt has an answer
            metrics.DEFECTS.inc()
            logger().error("an attempt went wrong", exc_info=error)
            answer = Answer(AttemptResult.UNKNOWN)
        took = time.perf_counter() - started
        metrics.ATTEMPT_SECONDS.labels(medium.name).observe(took)
        logger().info(
            "an attempt was made",
            medium=medium.name,
            attempt=begun.sending.attempt,
            result=answer.result,
            status=answer.status,
            seconds=round(took, 3),
        )
        metrics.ATTEMPTS.labels(medium.name, answer.result, metrics.which(begun.sending.attempt)).inc()
        return answer, round(took * 1000)

    async def _fixed(self, transaction: Transaction, hand: InHand) -> tuple[Fixed | Undeliverable, dict[str, Any]]:
        """With the columns to write, where this is the first attempt that fixes them."""
        parcel = hand.parcel
        if hand.recipient is not None and hand.body is not None:
            opens = await opener(transaction.connection, self.keyring, parcel.owner)
            recipient, body = opens.open(hand.recipient, RECIPIENT), opens.open(hand.body, BODY)
            if recipient is None or body is None:
                return Undeliverable("undeliverable"), {}  # erased since: no later attempt will have it either
            secrets = await self.secrets(transaction, parcel)
            return Fixed(recipient, body, person=parcel.person, secrets=secrets), {}
        if parcel.to_number is not None and parcel.body is not None:
            return Fixed(parcel.to_number, parcel.body, person=parcel.person), {}
        prepared = await self.prepare(transaction, parcel)
        if isinstance(prepared, Undeliverable):
            return prepared, {}
        return prepared, await self._sealed(transaction, parcel, prepared)

    async def _sealed(self, transaction: Transaction, parcel: Parcel, fixed: Fixed) -> dict[str, Any]:
        purpose = str(parcel.duty.wording) if parcel.duty else "reply"
        looked_up = outcomes.looked_up(parcel, purpose, fixed.read, fixed.person)
        await self._speaker(self.clocks.wall()).say(transaction, parcel, looked_up)
        key = await key_of(transaction, self.keyring, parcel.owner)
        return {
            "recipient": key.close(fixed.recipient, RECIPIENT),
            "body": key.close(fixed.body, BODY),
            "number_hash": None if fixed.number is None else self.keyring.number_hash(fixed.number),
            "person": fixed.person,
        }

    async def _undeliverable(self, transaction: Transaction, parcel: Parcel, why: Undeliverable) -> None:
        now = self.clocks.wall()
        if await standing.ended(transaction, parcel.id, self.owner, now, State.FAILED):
            await self._speaker(now).say(transaction, parcel, outcomes.failed(parcel, why.reason, why.person))
            transaction.after_commit(metrics.ENDED.labels(self.media.of(parcel.medium).name, why.reason).inc)

    async def _withdrawn(self, hand: InHand) -> None:
        """An earlier attempt whose answer was lost may have arrived: it counts as taken, so that its recipient hears the
        all-clear. To be told of the end of what one never heard of is the lesser harm.
        """
        now = self.clocks.wall()
        async with self.store.transaction() as transaction:
            withdrawn = await standing.ended(transaction, hand.parcel.id, self.owner, now, State.WITHDRAWN)
            if withdrawn and hand.uncertain:
                await self._speaker(now).say(
                    transaction, hand.parcel, outcomes.accepted(hand.parcel, hand.parcel.person)
                )

    async def defect(self, hand: InHand, error: Exception) -> None:
        """An error of ours, before the attempt had begun or after: tried again, and soon given up, so that the protocol goes on to
        somebody who can be told.
        """
        metrics.DEFECTS.inc()
        parcel, now = hand.parcel, self.clocks.wall()
        logger().error("an attempt went wrong", delivery=str(parcel.id), attempt=hand.attempts + 1, exc_info=error)
        later = settle(
            Answer(AttemptResult.RETRY), created_at=parcel.created_at, urgent=parcel.urgent, now=now, chance=0.5
        )
        async with self.store.transaction() as transaction:
            attempts = hand.attempts + 1
            if attempts >= DEFECTS_MOST:
                await self._undeliverable(transaction, parcel, Undeliverable("undeliverable"))
            else:
                await standing.postponed(transaction, parcel.id, self.owner, now, later.next_attempt_at, attempts)

    def _speaker(self, now: datetime) -> Speaker:
        return Speaker(self.service, self.clocks.story(), now)


def _sending(hand: InHand, fixed: Fixed, attempt: int, now: datetime) -> Sending:
    return Sending(
        id=hand.parcel.id,
        attempt=attempt,
        recipient=fixed.recipient,
        body=fixed.body,
        secrets=fixed.secrets,
        urgent=hand.parcel.urgent,
        uncertain=hand.uncertain,
        created_at=hand.parcel.created_at,
        now=now,
        by_voice=hand.by_voice,
        to_stranger=hand.parcel.to_stranger,
    )
