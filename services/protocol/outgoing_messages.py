"""Writes a decision's messages and deadlines into the transaction, under derived ids: decided twice, sent once."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from services.platform.messages.envelope import Received, compose
from services.platform.store import deadlines
from services.platform.store.deadlines import Pending
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.protocol.policy.decision_record import reports_taken
from services.protocol.policy.draft import Deadline, Decision
from services.protocol.policy.duties.tellings import message_of
from services.safeguarding import identifiers
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, MessageDecided
from services.safeguarding.message import Message

DECIDED: Local[dict[tuple[str, str, bool], list[MessageDecided]]] = Local(dict)
"""By child, authority and whether it is an exercise."""


def publish_decision(uow: UnitOfWork, received: Received[Any], decision: Decision, now: datetime) -> None:
    """Every message has the case's child as its subject. `now` is story time."""
    child = decision.case.child
    deadlines.cancel(uow, now, *decision.cancelled)
    deadlines.put_all(uow, [_pending(child, received, each) for each in decision.deadlines], now)
    for content, name, exercise in _messages(received, decision):
        publish = partial(uow.publish, subject=child, cause=received, at=now, message_id=str(name), exercise=exercise)
        if isinstance(content, MessageDecided):
            _publish_with_others(uow, content, (child, content.authority, exercise), publish)
        else:
            publish(content)


def _publish_with_others(
    uow: UnitOfWork, decided: MessageDecided, about: tuple[str, str, bool], publish: Callable[[MessageDecided], None]
) -> None:
    """Publishes all that the transaction decided about a child as one message, at its end, under the first's id."""
    together = uow.local(DECIDED).setdefault(about, [])
    if not together:
        uow.before_commit(lambda: publish(_joined(together)))
    together.append(decided)
    uow.published_keys[about[0]] = None


def _joined(together: Sequence[MessageDecided]) -> MessageDecided:
    duties = {duty.duty: duty for each in together for duty in each.duties}
    return together[0].model_copy(
        update={
            "with_ids": tuple(each.about_id for each in together[1:]),
            "verdicts": tuple(verdict for each in together for verdict in each.verdicts),
            "duties": tuple(duties.values()),
        }
    )


def _pending(child: str, received: Received[Any], deadline: Deadline) -> Pending:
    """The clock publishes it as its own, at the deadline's time, under the trace of what set it."""
    envelope = compose(
        deadline.content,
        said_by="clock",
        subject=child,
        at=deadline.due_at,
        message_id=str(identifiers.derived("due", str(deadline.deadline), str(deadline.version))),
        exercise=deadline.exercise,
        trace=received.trace,
    )
    return Pending(deadline.deadline, deadline.version, child, deadline.due_at, envelope)


def _messages(received: Received[Any], decision: Decision) -> Iterator[tuple[Message, UUID, bool]]:
    """In the order of publishing, each with its id: duties, then decisions, then the new states."""
    for duty in decision.duties:
        yield duty, message_of(duty.duty, duty.step, duty.act), duty.duty in decision.exercises
    yield from _decided(received, decision)
    for change in decision.changes:
        if isinstance(change, EpisodeChanged):
            name = identifiers.derived("changed", str(change.episode), str(change.revision))
            yield change, name, change.episode in decision.exercises
    for shown_by, taken in reports_taken(decision.changes):
        name = identifiers.derived("taken", str(shown_by.duty), str(shown_by.revision))
        yield taken, name, shown_by.duty in decision.exercises


def _decided(received: Received[Any], decision: Decision) -> Iterator[tuple[MessageDecided, UUID, bool]]:
    """One message, or two where a real event changed a duty of an exercise or the reverse: an envelope is practice as a
    whole or not at all. None where nothing was decided and nothing has changed.
    """
    changed = [each for each in decision.changes if isinstance(each, DutyChanged)]
    for exercise in (received.exercise, not received.exercise):
        verdicts = tuple(decision.decided) if exercise is received.exercise else ()
        duties = tuple(each for each in changed if (each.duty in decision.exercises) is exercise)
        if not verdicts and not duties:
            continue
        decided = MessageDecided(
            authority=verdicts[0].authority if verdicts else duties[0].authority,
            about=received.content.kind,
            about_id=received.id,
            verdicts=verdicts,
            duties=duties,
        )
        yield decided, identifiers.derived("decided", received.source, received.id, str(exercise)), exercise
