"""Fetches case, facts and protocol, asks the policy, and writes down what follows, all in the message's own transaction."""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.platform.bus.subscriptions import Priority, Subscription
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store import deadlines
from services.platform.store.unit_of_work import UnitOfWork
from services.protocol import metrics, store
from services.protocol.last_resort import last_resort
from services.protocol.loader import Library, parse
from services.protocol.outgoing_messages import messages_of, pending
from services.protocol.policy.case import Case
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Decision, Happened, Protocols, responsible
from services.protocol.policy.episodes import READ
from services.protocol.policy.grammar import Protocol
from services.protocol.policy.milestones import Reached, reached
from services.protocol.store import Held
from services.safeguarding.care_events import ChildIdentified
from services.safeguarding.events import Due, DutyStepDue, RuleDue
from services.safeguarding.identifiers import is_provisional
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed

SERVICE = "protocol"
HEARD_BY_PRIORITY: Mapping[Priority, Collection[type[Message]]] = {
    Priority.URGENT: READ,
    Priority.NORMAL: (DutyStepDue, RuleDue),
    Priority.BACKGROUND: (DutyAccepted, DutyDelivered, DutyAcknowledged, DutyFailed),
}
"""What has happened to a child goes before what clocks and outcomes bring, of which there may be a backlog."""
HEARD = tuple(event for events in HEARD_BY_PRIORITY.values() for event in events)


class Handlers:
    """One handler for every message: what differs between them is the policy's affair."""

    def __init__(self, library: Library, clocks: Clocks) -> None:
        self._library = library
        self._clocks = clocks
        self._kept: dict[str, Protocol] = {}
        self._written: set[str] = set()

    def subscriptions(self) -> list[Subscription]:
        return [
            Subscription(event, self.on_message, priority)
            for priority, events in HEARD_BY_PRIORITY.items()
            for event in events
        ]

    async def on_message(self, received: Received[Any], uow: UnitOfWork) -> None:
        held, joining = await _cases(uow, received)
        case, joined = held.case, None if joining is None else joining.case
        received = replace(received, subject=case.child)
        facts = await store.facts_of(
            uow, held.known, _placement(case, received.content), getattr(received.content, "authority", None)
        )
        protocols = await self._protocols(uow, responsible(case.record, facts).authority, case, joined)
        happened = Happened(
            content=received.content,
            id=received.id,
            subject=case.child,
            time=received.time,
            exercise=received.exercise,
            source=received.source,
        )
        now = self._now(received)
        started = time.perf_counter()
        decision = decide(case, happened, facts, protocols, now, joined)
        metrics.DECIDING.observe(time.perf_counter() - started)
        store.keep(uow, held, decision.case)
        if joining is not None:
            store.keep(uow, joining, Case(child=joining.case.child, merged_into=case.child))
        await self._write_deadlines(uow, received, decision, now)
        await self._say(uow, received, decision, now)
        milestones = list(reached(case, decision.case, received.time, facts.authority))
        uow.on_commit(lambda: _decided(decision, received, milestones))

    def _now(self, received: Received[Any]) -> datetime:
        """Story time, which this process may follow a moment later than the clock does: nothing is decided before it is due."""
        now = self._clocks.story()
        return max(now, received.time) if isinstance(received.content, Due) else now

    async def last_resort(self, received: Received[Any], uow: UnitOfWork) -> None:
        await last_resort(self._clocks, received, uow)

    async def _protocols(self, uow: UnitOfWork, authority: str, case: Case, joined: Case | None) -> Protocols:
        current = await self._current(uow, authority)
        held = case.protocols() if joined is None else case.protocols() | joined.protocols()
        return Protocols(current, {name: await self._protocol(uow, name) for name in held - {current.hash}})

    async def _current(self, uow: UnitOfWork, authority: str) -> Protocol:
        """In force now, and kept before anything is decided by it, so that a case can always be read again."""
        current = self._library.current(authority)
        if current.hash not in self._written:
            await store.keep_protocol(uow, current.hash, self._library.text(authority))
            uow.on_commit(lambda: self._written.add(current.hash))
        return current

    async def _protocol(self, uow: UnitOfWork, name: str) -> Protocol:
        if name not in self._kept:
            self._kept[name] = parse(await store.merged_protocol(uow, name))
        return self._kept[name]

    async def _write_deadlines(
        self, uow: UnitOfWork, received: Received[Any], decision: Decision, now: datetime
    ) -> None:
        await deadlines.cancel(uow, now, *decision.cancelled)
        await deadlines.put_all(uow, [pending(received, each) for each in decision.deadlines])

    async def _say(self, uow: UnitOfWork, received: Received[Any], decision: Decision, now: datetime) -> None:
        messages = messages_of(received, decision, now)
        for each in messages:
            uow.publish_composed(each.topic, received.subject, each.envelope)


def _decided(decision: Decision, received: Received[Any], milestones: list[Reached]) -> None:
    logger().info("a message was decided upon", count=len(decision.duties))
    metrics.measure(decision, received.content, milestones)


async def _cases(uow: UnitOfWork, received: Received[Any]) -> tuple[Held, Held | None]:
    """The case that the message is about; and, where it says who a provisional child is, that child's, which is to be joined to it.

    Always the provisional one is held first, so that no two wait for each other.
    """
    held = await store.hold(uow, received.subject)
    if held.case.merged_into is not None:
        return await store.hold(uow, held.case.merged_into), None
    if not isinstance(received.content, ChildIdentified) or not is_provisional(held.case.child):
        return held, None
    if is_provisional(received.content.child):
        return held, None
    return await store.hold(uow, received.content.child), held


def _placement(case: Case, content: Message) -> str | None:
    """Where a child nobody could identify was said to live: in this message, or in the one that opened the episode."""
    named: str | None = getattr(content, "placement", None)
    known = (each.placement for each in sorted(case.episodes.values(), key=lambda each: each.opened_at, reverse=True))
    return named or next((each for each in known if each is not None), None)
