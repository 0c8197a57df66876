"""Writes what a decision says and schedules into the transaction, under ids that follow from it: decided twice, it is said once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from services.platform.messages.envelope import Received, compose
from services.platform.store.story_time import deadlines
from services.platform.store.story_time.deadlines import Pending
from services.platform.store.unit_of_work import UnitOfWork
from services.protocol.policy.draft import Deadline, Decision
from services.protocol.policy.duties.report_status import reports_taken
from services.protocol.policy.duties.tellings import message_of
from services.safeguarding import identifiers
from services.safeguarding.duty.decisions import DutyChanged
from services.safeguarding.message import Message


async def publish_decision(uow: UnitOfWork, received: Received[Any], decision: Decision, now: datetime) -> None:
    """Everything is of the child whose case was decided upon. `now` is story time."""
    child = decision.case.child
    await deadlines.cancel(uow, now, *decision.cancelled)
    await deadlines.put_all(uow, [_pending(child, received, each) for each in decision.deadlines], now)
    for content, name, exercise in _messages(received, decision):
        uow.publish(content, subject=child, cause=received, at=now, message_id=str(name), exercise=exercise)


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
    """In the order in which they are published, each with its id: whom to tell, then what was decided, then where all stands."""
    for duty in decision.duties:
        yield duty, message_of(duty.duty, duty.step, duty.act), duty.duty in decision.exercises
    for index, each in enumerate(decision.decided):
        yield each, identifiers.derived("decided", received.source, received.id, str(index)), received.exercise
    for change in decision.changes:
        what = change.duty if isinstance(change, DutyChanged) else change.episode
        yield change, identifiers.derived("changed", str(what), str(change.revision)), what in decision.exercises
    for change, taken in reports_taken(decision.changes):
        name = identifiers.derived("taken", str(change.duty), str(change.revision))
        yield taken, name, change.duty in decision.exercises
