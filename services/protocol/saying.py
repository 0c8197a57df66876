"""A decision in messages, each under an id that follows from what it says: decided twice, it is said once."""

from typing import Any

from services.bus.envelope import Received
from services.protocol.policy.draft import Decision
from services.protocol.policy.telling import message_of
from services.safeguarding import identifiers
from services.safeguarding.decisions import DutyChanged
from services.safeguarding.message import Message


def messages_of(received: Received[Any], decision: Decision) -> list[tuple[Message, str, bool]]:
    """In the order in which they are said: whom to tell first, then what was decided and where all stands."""
    said: list[tuple[Message, str, bool]] = [
        (duty, str(message_of(duty.duty, duty.step, duty.act)), duty.duty in decision.exercises)
        for duty in decision.duties
    ]
    for index, each in enumerate(decision.decided):
        name = identifiers.derived("decided", received.source, received.id, str(index))
        said.append((each, str(name), received.exercise))
    for change in decision.changes:
        what = change.duty if isinstance(change, DutyChanged) else change.episode
        name = identifiers.derived("changed", str(what), str(change.revision))
        said.append((change, str(name), what in decision.exercises))
    return said
