"""What the floor says of a parcel, in the transaction of what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.bus.envelope import say
from services.delivery.medium import Answer, Sending
from services.delivery.parcel import FailureReason, MediumName, Parcel
from services.safeguarding.events import ContactUnreachable
from services.safeguarding.identifiers import PersonId
from services.safeguarding.message import Message
from services.safeguarding.outcomes import (
    DeliveryAttempted,
    DutyAccepted,
    DutyDelivered,
    DutyFailed,
    RegisterLookedUp,
)
from services.store.transaction import Transaction

CARER = "carer"
"""Who gets conversations' replies."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks for one service. `at` is story time, `now` wall time."""

    service: str
    at: datetime
    now: datetime

    async def accepted(self, transaction: Transaction, parcel: Parcel, person: PersonId | None) -> None:
        duty = parcel.duty
        if duty is None:
            return
        accepted = DutyAccepted(
            duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, person=person
        )
        await self._say(transaction, parcel, accepted)

    async def delivered(self, transaction: Transaction, parcel: Parcel) -> None:
        duty = parcel.duty
        if duty is None:
            return
        delivered = DutyDelivered(
            duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, person=parcel.person
        )
        await self._say(transaction, parcel, delivered)

    async def failed(
        self, transaction: Transaction, parcel: Parcel, reason: FailureReason, person: PersonId | None
    ) -> None:
        """A duty's failure sends the protocol to the next person; a reply that cannot be delivered is a human's business too."""
        duty = parcel.duty
        if duty is not None:
            failed = DutyFailed(
                duty=duty.duty,
                step=duty.step,
                authority=duty.authority,
                episode=duty.episode,
                person=person,
                reason=reason,
            )
            await self._say(transaction, parcel, failed)
        elif parcel.authority is not None and parcel.person is not None:
            unreachable = ContactUnreachable(authority=parcel.authority, person=parcel.person, role=CARER)
            await self._say(transaction, parcel, unreachable)

    async def attempted(
        self,
        transaction: Transaction,
        parcel: Parcel,
        answer: Answer,
        *,
        medium: MediumName,
        sending: Sending,
        took_ms: int,
        person: PersonId | None,
        body_hash: bytes,
    ) -> None:
        if parcel.authority is None:
            return
        attempted = DeliveryAttempted(
            delivery=parcel.id,
            duty=parcel.duty.duty if parcel.duty else None,
            step=parcel.duty.step if parcel.duty else None,
            authority=parcel.authority,
            attempt=sending.attempt,
            medium=medium,
            result=answer.result,
            status=answer.status,
            took_ms=took_ms,
            person=person,
            body_hash=body_hash.hex(),
        )
        await self._say(transaction, parcel, attempted)

    async def looked_up(
        self, transaction: Transaction, parcel: Parcel, purpose: str, fields: Sequence[str], person: PersonId | None
    ) -> None:
        if parcel.authority is None or not fields:
            return
        looked_up = RegisterLookedUp(
            authority=parcel.authority, purpose=purpose, fields=tuple(fields), person=person, delivery=parcel.id
        )
        await self._say(transaction, parcel, looked_up)

    async def _say(self, transaction: Transaction, parcel: Parcel, content: Message) -> None:
        await say(
            transaction,
            content,
            said_by=self.service,
            subject=parcel.child,
            at=self.at,
            now=self.now,
            exercise=parcel.exercise,
            trace=parcel.trace,
        )
