"""One child's history on the engine alone: messages go in, hours after a start, and decisions come out."""

from datetime import UTC, datetime, timedelta

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts, Waiting
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Deadline, Decision, Happened, Protocols
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.message import Message

CHILD = "child-00000000-0000-4000-8000-000000000001"
START = datetime(2026, 11, 24, 18, tzinfo=UTC)
CURRENT = Library(files()).current("northshire")


class OneChild:
    """`facts` and `protocols`, which are ours where none are given, may be changed between two messages."""

    begins = START

    def __init__(self, name: str, facts: Facts, protocols: Protocols | None = None) -> None:
        self.case, self.facts, self.protocols = Case(child=name), facts, protocols or Protocols(CURRENT)
        self.count = 0

    def hears(
        self,
        content: Message,
        hours: float = 0,
        joined: Case | None = None,
        *,
        came_about: float | None = None,
        name: str | None = None,
        exercise: bool = False,
    ) -> Decision:
        """`came_about`: when it happened, where that is not when it is heard of. `name`: its id, for what comes twice."""
        self.count += 1
        now = self.begins + timedelta(hours=hours)
        time = now if came_about is None else self.begins + timedelta(hours=came_about)
        happened = Happened(
            content, name or f"{self.case.child} {self.count}", self.case.child, time, exercise, late=now - time
        )
        decision = decide(self.case, happened, self.facts, self.protocols, now, joined)
        self.case = decision.case
        return decision

    @property
    def waiting(self) -> Waiting:
        """The one rule that waits, or has."""
        (found,) = self.case.waiting.values()
        return found


class ByDay(OneChild):
    """From half past nine on the next day."""

    begins = START + timedelta(hours=15.5)


def due(decision: Decision) -> Deadline:
    """The one rule that is to come to its time."""
    (found,) = [each for each in decision.deadlines if isinstance(each.content, RuleDue)]
    return found
