"""One attempt: begun and ended (`ending`) in different transactions, with the send between them, so that a crash anywhere is recognised.

The first is begun in the transaction that puts the parcel, where there is a place to send it from.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from services.platform.delivery import events as delivery_events
from services.platform.delivery import metrics
from services.platform.delivery.channels.channel import ChannelRegistry, SendRequest, SendResult
from services.platform.delivery.model import Delivery, PreparedMessage, State, Undeliverable
from services.platform.delivery.queue import transitions
from services.platform.delivery.queue.leases import LeasedDelivery
from services.platform.delivery.queue.repository import BODY, RECIPIENT
from services.platform.delivery.retry_policy import next_state
from services.platform.register.keys import key_of, opener
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.encryption import Keyring
from services.platform.store.transient_errors import is_transient
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.duty.evidence import AttemptResult

Prepare: TypeAlias = Callable[[UnitOfWork, Delivery], Awaitable[PreparedMessage | Undeliverable]]
"""Asked once, when a parcel is first sent: who holds the role, which of their fields are needed, what the body says."""
Secrets: TypeAlias = Callable[[UnitOfWork, Delivery], Awaitable[tuple[str, ...]]]
"""Asked at each later attempt: what it is to be signed with now."""

FIRST = 1
DEFECTS_MOST = 3
"""A parcel that cannot be prepared, sent or ended, for no reason that passes by itself, is given up after so many attempts."""


async def no_secrets(_transaction: UnitOfWork, _parcel: Delivery) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Begun:
    sending: SendRequest
    fixed: PreparedMessage


@dataclass(frozen=True)
class Attempt:
    """Makes attempts for one service. `owner` is who holds the leases."""

    service: str
    owner: str
    store: Store
    clocks: Clocks
    keyring: Keyring
    media: ChannelRegistry
    prepare: Prepare
    secrets: Secrets = no_secrets

    async def begin(self, hand: LeasedDelivery) -> Begun | None:
        """None where there is nothing to send any more: withdrawn, answered, undeliverable, or in another process's hands."""
        try:
            async with self.store.transaction() as uow:
                fixed, sealed = await self._fixed(uow, hand)
                if isinstance(fixed, Undeliverable):
                    await self._undeliverable(uow, hand.delivery, fixed)
                    return None
                now = self.clocks.wall()
                attempt = await transitions.begun(uow, hand.delivery.id, self.owner, now, sealed)
            if attempt is None:
                await self._withdrawn(hand)
                return None
        except Exception as error:
            if is_transient(error):
                raise
            await self.defect(hand, error)
            return None
        return Begun(_sending(hand, fixed, attempt, now), fixed)

    async def begin_where_put(self, uow: UnitOfWork, hand: LeasedDelivery) -> Begun | None:
        """None where it cannot be sent: `begin` finds out why, and says so. So it does where, after the commit, it has not begun
        (`standing.has_begun`).
        """
        fixed, sealed = await self._fixed(uow, hand)
        if isinstance(fixed, Undeliverable):
            return None
        now = self.clocks.wall()
        transitions.begun_where_put(uow, hand.delivery.id, self.owner, now, sealed)
        return Begun(_sending(hand, fixed, FIRST, now), fixed)

    async def send(self, hand: LeasedDelivery, begun: Begun) -> tuple[SendResult, int]:
        """The answer, and how many milliseconds it took. A medium raises nothing; where one does all the same, nobody knows whether
        it was sent, and the schedule goes on to its end, instead of the lease being taken again for ever.
        """
        medium = self.media.of(hand.delivery.medium, begun.sending.recipient)
        started = time.perf_counter()
        try:
            answer = await medium.send(begun.sending)
        except Exception as error:  # noqa: BLE001 whatever it is: an attempt has an answer
            metrics.DEFECTS.inc()
            logger().error("an attempt went wrong", exc_info=error)
            answer = SendResult(AttemptResult.UNKNOWN)
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

    async def _fixed(
        self, uow: UnitOfWork, hand: LeasedDelivery
    ) -> tuple[PreparedMessage | Undeliverable, dict[str, Any]]:
        """With the columns to write, where this is the first attempt that fixes them."""
        delivery = hand.delivery
        if hand.recipient is not None and hand.body is not None:
            opens = await opener(uow.connection, self.keyring, delivery.owner)
            recipient, body = opens.open(hand.recipient, RECIPIENT), opens.open(hand.body, BODY)
            if recipient is None or body is None:
                return Undeliverable("undeliverable"), {}  # erased since: no later attempt will have it either
            secrets = await self.secrets(uow, delivery)
            return PreparedMessage(recipient, body, person=delivery.person, secrets=secrets), {}
        if delivery.to_number is not None and delivery.body is not None:
            return PreparedMessage(delivery.to_number, delivery.body, person=delivery.person), {}
        prepared = await self.prepare(uow, delivery)
        if isinstance(prepared, Undeliverable):
            return prepared, {}
        return prepared, await self._sealed(uow, delivery, prepared)

    async def _sealed(self, uow: UnitOfWork, delivery: Delivery, fixed: PreparedMessage) -> dict[str, Any]:
        purpose = str(delivery.duty.wording) if delivery.duty else "reply"
        looked_up = delivery_events.looked_up(delivery, purpose, fixed.read, fixed.person)
        uow.publish(looked_up, subject=delivery.child, cause=delivery)
        key = await key_of(uow, self.keyring, delivery.owner)
        return {
            "recipient": key.close(fixed.recipient, RECIPIENT),
            "body": key.close(fixed.body, BODY),
            "number_hash": None if fixed.number is None else self.keyring.number_hash(fixed.number),
            "person": fixed.person,
        }

    async def _undeliverable(self, uow: UnitOfWork, delivery: Delivery, why: Undeliverable) -> None:
        now = self.clocks.wall()
        if await transitions.ended(uow, delivery.id, self.owner, now, State.FAILED):
            uow.publish(
                delivery_events.failed(delivery, why.reason, why.person), subject=delivery.child, cause=delivery
            )
            uow.on_commit(metrics.ENDED.labels(self.media.of(delivery.medium).name, why.reason).inc)

    async def _withdrawn(self, hand: LeasedDelivery) -> None:
        """An earlier attempt whose answer was lost may have arrived: it counts as taken, so that its recipient hears the
        all-clear. To be told of the end of what one never heard of is the lesser harm.
        """
        now = self.clocks.wall()
        async with self.store.transaction() as uow:
            withdrawn = await transitions.ended(uow, hand.delivery.id, self.owner, now, State.WITHDRAWN)
            if withdrawn and hand.uncertain:
                uow.publish(
                    delivery_events.accepted(hand.delivery, hand.delivery.person),
                    subject=hand.delivery.child,
                    cause=hand.delivery,
                )

    async def defect(self, hand: LeasedDelivery, error: Exception) -> None:
        """An error of ours, before the attempt had begun or after: tried again, and soon given up, so that the protocol goes on to
        somebody who can be told.
        """
        metrics.DEFECTS.inc()
        delivery, now = hand.delivery, self.clocks.wall()
        logger().error("an attempt went wrong", delivery=str(delivery.id), attempt=hand.attempts + 1, exc_info=error)
        later = next_state(
            SendResult(AttemptResult.RETRY), created_at=delivery.created_at, urgent=delivery.urgent, now=now, chance=0.5
        )
        async with self.store.transaction() as uow:
            attempts = hand.attempts + 1
            if attempts >= DEFECTS_MOST:
                await self._undeliverable(uow, delivery, Undeliverable("undeliverable"))
            else:
                await transitions.postponed(uow, delivery.id, self.owner, now, later.next_attempt_at, attempts)


def _sending(hand: LeasedDelivery, fixed: PreparedMessage, attempt: int, now: datetime) -> SendRequest:
    return SendRequest(
        id=hand.delivery.id,
        attempt=attempt,
        recipient=fixed.recipient,
        body=fixed.body,
        secrets=fixed.secrets,
        urgent=hand.delivery.urgent,
        uncertain=hand.uncertain,
        created_at=hand.delivery.created_at,
        now=now,
        by_voice=hand.by_voice,
        to_stranger=hand.delivery.to_stranger,
    )
