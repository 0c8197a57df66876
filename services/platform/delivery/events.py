"""Builds the events of a delivery, which are published in the transaction that changes its row.

One transaction's events about one child are joined: attempts and their outcomes travel in one message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from services.platform.delivery.channels.channel import AttemptRecord
from services.platform.delivery.model import Delivery
from services.platform.runtime.logs import logger
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ContactUnreachable
from services.safeguarding.duty.decisions import DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.duty.duties import (
    Duty,
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyFailed,
    DutyOutcomes,
    FailureReason,
    How,
    Outcome,
)
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, WordsId
from services.safeguarding.message import Message

CARER = "carer"
"""Who gets conversations' replies."""


def accepted(delivery: Delivery, person: PersonId | None) -> Message | None:
    """None for a reply of a conversation, since no duty waits for it. So with the functions below."""
    return None if delivery.duty is None else DutyAccepted(**_named(delivery.duty), person=person)


def delivered(delivery: Delivery) -> Message | None:
    return None if delivery.duty is None else DutyDelivered(**_named(delivery.duty), person=delivery.person)


def acknowledged(
    duty: Duty,
    how: How,
    *,
    by: PersonId | None = None,
    force: ForceId | None = None,
    words: tuple[WordsId, ...] = (),
    unread: bool = False,
) -> DutyAcknowledged:
    """Who has it: `by`, or an officer of `force`, named in `words`."""
    return DutyAcknowledged(**_named(duty), by=by, force=force, how=how, words=words, unread=unread)


def failed(
    uow: UnitOfWork, delivery: Delivery, reason: FailureReason, person: PersonId | None, *, given_up: bool = True
) -> Message | None:
    """A duty's failure sends the protocol to the next person. A human hears of an undeliverable reply too.

    `given_up`: it goes out no more, and whoever it was for does not know.
    """
    if given_up:
        _log_given_up(uow, delivery, reason)
    if delivery.duty is not None:
        return DutyFailed(**_named(delivery.duty), person=person, reason=reason)
    if delivery.authority is None or delivery.person is None:
        return None
    return ContactUnreachable(authority=delivery.authority, person=delivery.person, role=CARER)


def _log_given_up(uow: UnitOfWork, delivery: Delivery, reason: str) -> None:
    """Logs, with the commit, what `delivery_urgent_failed` counts: the ids say what its alert is about."""
    duty = delivery.duty
    if duty is not None and delivery.urgent and not delivery.exercise:
        ids = {"delivery": str(delivery.id), "duty": str(duty.duty), "step": duty.step, "trace": delivery.trace}
        uow.on_commit(lambda: logger().warning("an urgent notice was given up", reason=reason, rule=duty.rule, **ids))


def _named(duty: Duty) -> dict[str, Any]:
    return {"duty": duty.duty, "step": duty.step, "authority": duty.authority, "episode": duty.episode}


def purpose_of(delivery: Delivery) -> str:
    """What the register was read for."""
    return str(delivery.duty.wording) if delivery.duty else "reply"


def attempted(
    delivery: Delivery, record: AttemptRecord, person: PersonId | None, read: Sequence[str] = ()
) -> Message | None:
    """`read` names the fields of the register that were read for it and are not on the record yet."""
    if delivery.authority is None:
        return None
    return DeliveryAttempted(
        delivery=delivery.id,
        duty=delivery.duty.duty if delivery.duty else None,
        step=delivery.duty.step if delivery.duty else None,
        authority=delivery.authority,
        attempt=record.request.attempt,
        medium=record.medium,
        way=record.result.way,
        result=record.result.result,
        status=record.result.status,
        took_ms=record.took_ms,
        person=person,
        body_hash=record.body_hash.hex(),
        purpose=purpose_of(delivery) if read else None,
        looked_up=tuple(read),
    )


def looked_up(
    delivery: Delivery, purpose: str, fields: Sequence[str], person: PersonId | None, officer: WordsId | None = None
) -> Message | None:
    if delivery.authority is None or not fields:
        return None
    return RegisterLookedUp(
        authority=delivery.authority,
        purpose=purpose,
        fields=tuple(fields),
        person=person,
        delivery=delivery.id,
        officer=officer,
    )


Joinable: TypeAlias = DutyAccepted | DutyDelivered | DutyFailed
IN_MESSAGE: Sequence[type[Joinable]] = (DutyAccepted, DutyDelivered, DutyFailed)
"""The order in which a message's outcomes are read."""


@dataclass
class JoinedEvents:
    """Gathers one transaction's events. Nothing is published before `publish`."""

    _by_origin: dict[tuple[object, ...], tuple[Delivery, list[Message]]] = field(default_factory=dict)

    def add(self, delivery: Delivery, *events: Message | None) -> None:
        """Adds a delivery's events; None is passed over."""
        origin = (delivery.child, delivery.authority, delivery.exercise, delivery.trace)
        _, known = self._by_origin.setdefault(origin, (delivery, []))
        known.extend(event for event in events if event is not None)

    def publish(self, uow: UnitOfWork) -> None:
        """Publishes what was read first, then attempts, then what came of them."""
        for delivery, events in self._by_origin.values():
            uow.publish(*_joined(events, delivery.authority), subject=delivery.child, cause=delivery)


def _joined(events: Sequence[Message], authority: AuthorityId | None) -> list[Message]:
    if authority is None or len(events) < 2:
        return list(events)
    attempts = tuple(each for each in events if isinstance(each, DeliveryAttempted))
    outcomes = [each for each in events if isinstance(each, Joinable)]
    readings = [each for each in events if isinstance(each, RegisterLookedUp)]
    others = [each for each in events if not isinstance(each, DeliveryAttempted | RegisterLookedUp | Joinable)]
    tried: list[Message] = list(attempts)
    if outcomes:
        tried = _messages(outcomes, attempts, authority)
    elif len(attempts) > 1:
        tried = [DeliveriesAttempted(authority=authority, attempts=attempts)]
    return [*readings, *tried, *others]


def _messages(
    outcomes: Sequence[Joinable], attempts: tuple[DeliveryAttempted, ...], authority: AuthorityId
) -> list[Message]:
    """The attempts travel with the first outcomes."""
    messages: list[Message] = []
    for run in _runs(outcomes):
        with_them = () if messages else attempts
        messages.append(run[0] if len(run) == 1 and not with_them else _message_of(run, with_them, authority))
    return messages


def _runs(outcomes: Iterable[Joinable]) -> list[list[Joinable]]:
    """Outcomes that may share a message: it is read by kind, which must not reverse those of one telling."""
    runs: list[list[Joinable]] = []
    latest: dict[tuple[object, ...], int] = {}
    for each in outcomes:
        place = IN_MESSAGE.index(type(each))
        if not runs or place < latest.get(_telling(each), 0):
            runs.append([])
            latest.clear()
        runs[-1].append(each)
        latest[_telling(each)] = place
    return runs


def _telling(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.duty, outcome.step)


def _message_of(
    run: Sequence[Joinable], attempts: tuple[DeliveryAttempted, ...], authority: AuthorityId
) -> DutyOutcomes:
    return DutyOutcomes(
        authority=authority,
        attempts=attempts,
        accepted=tuple(each for each in run if isinstance(each, DutyAccepted)),
        delivered=tuple(each for each in run if isinstance(each, DutyDelivered)),
        failed=tuple(each for each in run if isinstance(each, DutyFailed)),
    )
