"""A decision in bytes, each message under an id that follows from what it says: decided twice, it is said once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.platform.messages.envelope import Received, compose
from services.platform.store.deadlines import Pending
from services.protocol.policy.draft import Deadline, Decision
from services.protocol.policy.report_status import reports_taken
from services.protocol.policy.tellings import message_of
from services.safeguarding import identifiers
from services.safeguarding.decisions import DutyChanged
from services.safeguarding.message import Message, Topic

SERVICE = "protocol"


@dataclass(frozen=True, slots=True)
class Composed:
    topic: Topic
    envelope: bytes


def messages_of(received: Received[Any], decision: Decision, at: datetime) -> list[Composed]:
    """In the order in which they are said: whom to tell first, then what was decided and where all stands. `at` is story time."""
    composed = []
    for content, name, exercise in _said(received, decision):
        envelope = compose(
            content,
            said_by=SERVICE,
            subject=received.subject,
            at=at,
            message_id=str(name),
            exercise=exercise,
            trace=received.trace,
        )
        composed.append(Composed(content.topic, envelope))
    return composed


def pending(received: Received[Any], deadline: Deadline) -> Pending:
    """The clock publishes it as its own, at the deadline's time, under the trace of what set it."""
    envelope = compose(
        deadline.content,
        said_by="clock",
        subject=received.subject,
        at=deadline.due_at,
        message_id=str(identifiers.derived("due", str(deadline.deadline), str(deadline.version))),
        exercise=deadline.exercise,
        trace=received.trace,
    )
    return Pending(deadline.deadline, deadline.version, received.subject, deadline.due_at, envelope)


def _said(received: Received[Any], decision: Decision) -> Iterator[tuple[Message, UUID, bool]]:
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
