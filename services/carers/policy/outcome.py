"""Tells how the sender's children stand once a decision is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.carers.policy.context import State, TextContext
from services.carers.policy.decision import Act, Decision
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.identifiers import ChildId

SOUGHT: frozenset[State | None] = frozenset({"missing", "located"})


@dataclass(frozen=True, slots=True)
class Outcome:
    context: TextContext
    states: Mapping[ChildId, State | None]
    """After the decision: of the children whom the text may name, and of the reports without a name."""
    restarted: frozenset[ChildId]
    """Of whom a return is taken back."""

    @classmethod
    def of(cls, decision: Decision, context: TextContext) -> "Outcome":
        states = _list_states(context)
        restarted = {
            act.subject
            for act in decision.acts
            if isinstance(act.content, events.ReportRetracted) and act.content.retracts == "return"
        }
        if not decision.exercise:
            for act in decision.acts:
                _apply(act, states)
        return cls(context, states, frozenset(restarted))

    def is_open(self, child: ChildId) -> bool:
        """Whether the child, or the child of that report, is searched for."""
        return self.states.get(child) in SOUGHT

    @property
    def is_any_open(self) -> bool:
        return any(state in SOUGHT for state in self.states.values())


def _list_states(context: TextContext) -> dict[ChildId, State | None]:
    states: dict[ChildId, State | None] = {}
    for report in context.provisionals:
        state = report.latest.state
        states[report.provisional] = state
        if report.child is not None and state in SOUGHT:
            states[report.child] = state
    states |= {
        each.child: each.standing.state for each in context.known if each.standing.state or each.child not in states
    }
    if context.telling is not None and context.telling.child not in states:
        states[context.telling.child] = context.telling.standing.state
    return states


def _apply(act: Act, states: dict[ChildId, State | None]) -> None:
    content = act.content
    match content:
        case events.ChildReportedMissing():
            states[act.subject] = states.get(act.subject) if states.get(act.subject) in SOUGHT else "missing"
        case events.ReportRetracted():
            states[act.subject] = "missing" if content.retracts == "return" else None
        case events.ChildReturned():
            states[act.subject] = "returned"
        case ChildIdentified():
            states[content.child] = "missing"
        case _:
            pass
