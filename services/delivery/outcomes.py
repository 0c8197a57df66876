"""What the floor says of a parcel, in the transaction of what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from services.bus.envelope import compose
from services.delivery.medium import Answer, Sending
from services.delivery.parcel import FailureReason, MediumName, Parcel
from services.safeguarding.contact_events import ContactUnreachable
from services.safeguarding.duties import Duty
from services.safeguarding.evidence import DeliveryAttempted, RegisterLookedUp
from services.safeguarding.identifiers import ForceId, PersonId, WordsId
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed, How
from services.store import outbox
from services.store.outbox import Said
from services.store.transaction import Transaction

CARER = "carer"
"""Who gets conversations' replies."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Speaks for one service. `at` is story time, `now` wall time."""

    service: str
    at: datetime
    now: datetime

    async def say(self, transaction: Transaction, parcel: Parcel, *contents: Message | None) -> None:
        """In one round trip where they go to one topic; None says nothing."""
        said = [content for content in contents if content is not None]
        for topic, each in groupby(said, key=lambda content: content.topic):
            messages = [Said(parcel.child, self._envelope(parcel, content)) for content in each]
            await outbox.put_all(transaction, messages, topic=topic, at=self.now)

    def _envelope(self, parcel: Parcel, content: Message) -> bytes:
        return compose(
            content,
            said_by=self.service,
            subject=parcel.child,
            at=self.at,
            exercise=parcel.exercise,
            trace=parcel.trace,
        )


def accepted(parcel: Parcel, person: PersonId | None) -> Message | None:
    """None of a conversation's reply, which nobody's duty waits for. So with the others."""
    duty = parcel.duty
    if duty is None:
        return None
    return DutyAccepted(duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, person=person)


def delivered(parcel: Parcel) -> Message | None:
    duty, person = parcel.duty, parcel.person
    if duty is None:
        return None
    return DutyDelivered(duty=duty.duty, step=duty.step, authority=duty.authority, episode=duty.episode, person=person)


def acknowledged(
    duty: Duty,
    how: How,
    *,
    by: PersonId | None = None,
    force: ForceId | None = None,
    words: tuple[WordsId, ...] = (),
) -> DutyAcknowledged:
    """Who has it: `by`, or an officer of `force`, named in `words`."""
    return DutyAcknowledged(
        duty=duty.duty,
        step=duty.step,
        authority=duty.authority,
        episode=duty.episode,
        by=by,
        force=force,
        how=how,
        words=words,
    )


def failed(parcel: Parcel, reason: FailureReason, person: PersonId | None) -> Message | None:
    """A duty's failure sends the protocol to the next person; a reply that cannot be delivered is a human's business too."""
    duty = parcel.duty
    if duty is not None:
        return DutyFailed(
            duty=duty.duty,
            step=duty.step,
            authority=duty.authority,
            episode=duty.episode,
            person=person,
            reason=reason,
        )
    if parcel.authority is None or parcel.person is None:
        return None
    return ContactUnreachable(authority=parcel.authority, person=parcel.person, role=CARER)


def attempted(
    parcel: Parcel,
    answer: Answer,
    *,
    medium: MediumName,
    sending: Sending,
    took_ms: int,
    person: PersonId | None,
    body_hash: bytes,
) -> Message | None:
    if parcel.authority is None:
        return None
    return DeliveryAttempted(
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


def looked_up(parcel: Parcel, purpose: str, fields: Sequence[str], person: PersonId | None) -> Message | None:
    if parcel.authority is None or not fields:
        return None
    return RegisterLookedUp(
        authority=parcel.authority, purpose=purpose, fields=tuple(fields), person=person, delivery=parcel.id
    )
