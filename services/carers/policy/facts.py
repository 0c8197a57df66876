"""Tells which facts hold for a reply, from the acts of a decision and the standing of the children after them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from services.carers.policy.consequences import escalation
from services.carers.policy.context import State, TextContext
from services.carers.policy.decision import Act, Answer, Decision, Reply
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.duty.facts import Fact, Presupposition
from services.safeguarding.identifiers import ChildId

SOUGHT: frozenset[State | None] = frozenset({"missing", "located"})
ASKS_A_PERSON = (
    events.TextNeedsHuman,
    events.ChildProvisional,
    events.ChildLuringSuspected,
    events.LocationEnquiryReceived,
)
"""By a rule of every authority the duty worker is told of each."""
ReplyFact = StrEnum("ReplyFact", {"CLAIM_VOIDED": "claim-voided"})
"""What replies presuppose beside `Fact`, which the bus carries: somebody else had said back, and this text voids it."""
Choose = Callable[[str, frozenset[StrEnum], Mapping[str, Presupposition]], str]


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


def read_fact(name: str) -> StrEnum:
    return ReplyFact(name) if name in set(ReplyFact) else Fact(name)


def facts_of(reply: Reply, decision: Decision, context: TextContext) -> frozenset[StrEnum]:
    outcome = Outcome.of(decision, context)
    return frozenset(
        (
            *_list_of_child(reply, outcome),
            *_list_of_police(decision, outcome),
            *_list_of_conversation(reply, decision, context),
        )
    )


def settle_replies(
    decision: Decision, context: TextContext, presupposes: Mapping[str, Presupposition], choose: Choose
) -> Decision:
    """Has each reply that is not so give way to one that is: dropped or put off it is never. Falling back to the last
    resort asks a person.
    """
    told = tuple(
        replace(each, answer=Answer(choose(each.answer, facts_of(each, decision, context), presupposes)))
        for each in decision.replies
    )
    fallen = any(
        after.answer is Answer.KEPT is not before.answer for before, after in zip(decision.replies, told, strict=True)
    )
    settled = escalation.also_escalate(decision, context, "not-understood") if fallen else decision
    return replace(settled, replies=told)


def _list_of_child(reply: Reply, outcome: Outcome) -> Iterator[Fact]:
    about = reply.about
    if all(map(outcome.is_open, about)) if about else outcome.is_any_open:
        yield Fact.REPORT_OPEN
    if not (any(map(outcome.is_open, about)) if about else outcome.is_any_open):
        yield Fact.NO_REPORT_OPEN
    if about and all(outcome.states.get(child) == "returned" for child in about):
        yield Fact.RETURNED
    if about and outcome.restarted.issuperset(about):
        yield Fact.SEARCH_RESTARTED
    if about:
        yield Fact.CHILD_NAMED if reply.named else Fact.CHILD_NOT_NAMED
    if reply.several:
        yield Fact.SEVERAL_CHILDREN


def _list_of_police(decision: Decision, outcome: Outcome) -> Iterator[Fact]:
    reports = [act.content for act in decision.acts if isinstance(act.content, events.ChildReportedMissing)]
    if reports and not any(report.placement for report in reports):
        yield Fact.POLICE_NOT_TOLD
    if any(isinstance(act.content, events.PoliceReferenceTexted) for act in decision.acts):
        yield Fact.REFERENCE_HELD
    if not decision.acts and not outcome.context.live:
        yield Fact.NOBODY_TOLD


def _list_of_conversation(reply: Reply, decision: Decision, context: TextContext) -> Iterator[StrEnum]:
    if reply.about and (context.claimed_by_others & set(decision.denied)).issuperset(reply.about):
        yield ReplyFact.CLAIM_VOIDED
    if context.asks_whether or any(isinstance(act.content, ASKS_A_PERSON) for act in decision.acts):
        yield Fact.PERSON_ASKED
    if reply.claims:
        yield Fact.CODE_LIVE
    if decision.question is not None or (context.question is not None and not decision.answered):
        yield Fact.QUESTION_OPEN
    answered = {act.content.duty for act in decision.acts if isinstance(act.content, DutyAcknowledged)}
    tellings = (*context.unanswered, *((context.telling,) if context.telling else ()))
    if any(each.deed and each.duty in answered for each in tellings):
        yield Fact.DEED_OPEN
