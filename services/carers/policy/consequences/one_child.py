"""Decides the consequences of one statement about one child."""

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import confirmation
from services.carers.policy.context import Child, TextContext
from services.carers.policy.decision import Decision, tell
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding.child_events import events

SAYS: dict[Intent, tuple[type[events.Told], dict[str, str], Answer]] = {
    Intent.SEEN: (events.ChildInformationReceived, {"nature": "sighting"}, Answer.INFORMATION),
    Intent.CONTACT: (events.ChildInformationReceived, {"nature": "contact"}, Answer.INFORMATION),
    Intent.UNCLEAR: (events.ChildInformationReceived, {"nature": "other"}, Answer.INFORMATION),
    Intent.LURE: (events.ChildLuringSuspected, {}, Answer.LURE),
    Intent.REFERENCE: (events.PoliceReferenceTexted, {}, Answer.REFERENCE),
    Intent.LOCATED: (events.ChildLocationClaimed, {}, Answer.LOCATED),
}
WHERE_NONE_IS_OPEN = {
    Answer.INFORMATION: Answer.NO_REPORT_OPEN,
    Answer.REFERENCE: Answer.NO_REPORT_OPEN,
    Answer.LOCATED: Answer.LOCATED_UNREPORTED,
}


def decide_for_child(child: Child, intent: Intent, context: TextContext) -> Decision:
    """`child` may stand for a report without a name. The messages carry the speaker's id at the child's authority."""
    context = context.for_child(child)
    if intent in REPORTS:
        return _report_child(child, intent, context)
    if intent is Intent.BACK:
        return confirmation.claim_return(child, context)
    if intent is Intent.FALSE_ALARM:
        return confirmation.claim_false_alarm(child, context)
    kind, fields, answer = SAYS[intent]
    answer = answer if child.standing.open else WHERE_NONE_IS_OPEN.get(answer, answer)
    named = {"episode": child.episode} if issubclass(kind, events.ToldOfEpisode) else {}
    return Decision((tell(child.child, kind, context, **fields, **named),), answer, (child.child,))


def _report_child(child: Child, intent: Intent, context: TextContext) -> Decision:
    if intent is Intent.NOT_BACK and child.standing.state == "returned":
        taken_back = tell(child.child, events.ReportRetracted, context, retracts="return")
        return Decision((taken_back,), Answer.NOT_BACK, (child.child,))
    missing = tell(child.child, events.ChildReportedMissing, context, placement=context.placement)
    answer = Answer.MISSING_AGAIN if child.standing.open else Answer.MISSING
    return Decision((missing,), answer, (child.child,), denied=(child.child,))
