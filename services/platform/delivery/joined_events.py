"""Joins one transaction's events about one child: attempts and their outcomes travel in one message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.platform.delivery.model import Delivery
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, Outcome
from services.safeguarding.duty.evidence import DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.message import Message

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
