"""Fetches case, facts and protocol, asks the policy, and writes the result, all in the message's transaction."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from services.platform.bus.message_processor import Priority, Subscription
from services.platform.messages.envelope import Received
from services.platform.register.words import unlike_references
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store import inbox
from services.platform.store.inbox import Identity, Mark
from services.platform.store.unit_of_work import UnitOfWork
from services.protocol import metrics, store
from services.protocol.editions.choice import RulesInForce
from services.protocol.outgoing_messages import publish_decision
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import Turn, sum_up, take_turns
from services.protocol.policy.decision_record import find_milestones
from services.protocol.policy.draft import Happened, Protocols, responsible
from services.protocol.policy.last_resort import decide_without_case, list_tellings
from services.protocol.policy.readings.episodes import READ
from services.protocol.store import Held
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import (
    Due,
    DutyStepDue,
    PoliceReferenceGiven,
    PoliceReferenceTexted,
    RuleDue,
)
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed, DutyOutcomes
from services.safeguarding.identifiers import is_provisional
from services.safeguarding.message import Message
from services.safeguarding.working_time import day_in_england

HEARD_BY_PRIORITY: Mapping[Priority, Collection[type[Message]]] = {
    Priority.URGENT: READ,
    Priority.NORMAL: (DutyStepDue, RuleDue),
    Priority.BACKGROUND: (DutyAccepted, DutyDelivered, DutyAcknowledged, DutyFailed, DutyOutcomes),
}
"""What has happened to a child goes before what clocks and outcomes bring, of which there may be a backlog."""
HEARD = tuple(event for events in HEARD_BY_PRIORITY.values() for event in events)


SKIPPED: Mapping[type[Message], Callable[[Any], bool]] = {
    MessageDeadLettered: attrgetter("is_about_a_letter"),
}
"""Nobody is told of a letter about a letter. It may be about a child whose case cannot be read: if it were decided
upon, each would bring about the next.
"""
LAST_RESORT = "last resort"
"""The source under which the inbox keeps the reports and days of which a child's duty line was told."""


class Handlers:
    """One handler for every message: the policy alone knows what differs between them."""

    def __init__(self, rules: RulesInForce, clocks: Clocks) -> None:
        self._rules = rules
        self._clocks = clocks
        self._saved: set[str] = set()

    def subscriptions(self) -> list[Subscription]:
        return [
            Subscription(event, self.on_message, priority, skip_if=SKIPPED.get(event))
            for priority, events in HEARD_BY_PRIORITY.items()
            for event in events
        ]

    async def on_message(self, received: Received[Any], uow: UnitOfWork) -> None:
        held, joining = await _hold_cases(uow, received)
        case, joined = held.case, None if joining is None else joining.case
        received = replace(received, subject=case.child)
        facts = await store.facts_of(
            uow, held.known, _placement(case, received.content), getattr(received.content, "authority", None)
        )
        facts = await _with_references(uow, case, facts, received.content)
        protocols = await self._protocols(uow, responsible(case.record, facts).authority, case, joined)
        now = self._now(received)
        happened = Happened(
            content=received.content,
            id=received.id,
            subject=case.child,
            time=received.time,
            exercise=received.exercise,
            source=received.source,
            late=now - max(received.time, self._clocks.moved_to),
        )
        started = time.perf_counter()
        turns = take_turns(case, happened, facts, protocols, now, joined)
        metrics.DECIDING.observe(time.perf_counter() - started)
        decision = sum_up(case, turns)
        store.save(uow, held, decision.case)
        if joining is not None:
            store.save(uow, joining, Case(child=joining.case.child, merged_into=case.child))
        publish_decision(uow, received, decision, now)
        uow.on_commit(lambda: _measure(turns, facts.authority))

    async def last_resort(self, received: Received[Any], uow: UnitOfWork) -> None:
        """Tells the duty line of a dead letter that could not be decided upon, without reading any case: of each report
        that a child is missing, and else once a day for each child. A report counts as that day's telling too.
        """
        letter = received.content
        if not isinstance(letter, MessageDeadLettered):
            return
        child, now = received.subject, self._clocks.story()
        authority = await store.authority_of(uow, child)
        told = list_tellings(letter, received.id, child, authority, now, exercise=received.exercise)
        names = [Identity(LAST_RESORT, str(each), b"") for each in told]
        marks, _ = await inbox.mark_and_ask(uow, names, self._clocks.wall())
        if marks[-1] is not Mark.NEW:
            logger().info("the duty line has been told of this child today")
            return
        decision = decide_without_case(child, authority, told[-1], now, exercise=received.exercise)
        publish_decision(uow, received, decision, now)

    def _now(self, received: Received[Any]) -> datetime:
        """Story time. The clock may be a moment ahead of this process: nothing is decided before it is due."""
        now = self._clocks.story()
        return max(now, received.time) if isinstance(received.content, Due) else now

    async def _protocols(self, uow: UnitOfWork, authority: str, case: Case, joined: Case | None) -> Protocols:
        """The one in force now is saved before anything is decided by it, so that a case can always be read again."""
        await self._rules.ready()
        today = day_in_england(self._clocks.story())
        library = self._rules.library(authority, today)
        current = library.current(authority, today)
        if current.hash not in self._saved:
            store.save_protocol(uow, current, library.text(authority, today))
            uow.on_commit(lambda: self._saved.add(current.hash))
        others = (case.protocols() if joined is None else case.protocols() | joined.protocols()) - {current.hash}
        return Protocols(current, {name: await uow.fetch(store.protocol_by_hash(name)) for name in others})


def _measure(turns: Sequence[Turn], authority: str) -> None:
    logger().info("a message was decided upon", count=sum(len(turn.decision.duties) for turn in turns))
    for turn in turns:
        milestones = find_milestones(turn.before, turn.decision.case, turn.happened.time, authority)
        metrics.measure(turn.decision, turn.happened.content, milestones)


async def _hold_cases(uow: UnitOfWork, received: Received[Any]) -> tuple[Held, Held | None]:
    """The case that the message is about. Where the message says who a provisional child is: that child's case, and the
    provisional one, which is to become part of it. The provisional one is locked first, so that two processes cannot
    deadlock.
    """
    held, content = await _follow(uow, received.subject), received.content
    if not isinstance(content, ChildIdentified) or not is_provisional(held.case.child):
        return held, None
    into = await _follow(uow, content.child)
    return (held, None) if into is held else (into, held)


async def _follow(uow: UnitOfWork, child: str) -> Held:
    """The case that the child's has become."""
    held = await store.hold(uow, child)
    while held.case.merged_into is not None:
        held = await store.hold(uow, held.case.merged_into)
    return held


async def _with_references(uow: UnitOfWork, case: Case, facts: Facts, content: Message) -> Facts:
    """Adds which of the case's police references differ from the one that this event gives, if it gives one."""
    known = [words for each in case.episodes.values() for words in each.references]
    if not known or not isinstance(content, PoliceReferenceGiven | PoliceReferenceTexted):
        return facts
    unlike = await uow.fetch(unlike_references(content.words, known))
    return facts.model_copy(update={"unlike_references": unlike})


def _placement(case: Case, content: Message) -> str | None:
    """Where an unidentified child was said to live: by this message, or by the one that opened the episode."""
    named: str | None = getattr(content, "placement", None)
    known = (each.placement for each in sorted(case.episodes.values(), key=lambda each: each.opened_at, reverse=True))
    return named or next((each for each in known if each is not None), None)
