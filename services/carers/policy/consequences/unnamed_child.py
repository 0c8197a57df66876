"""Decides about one statement: of one child, or of a child that is not named.

A report goes to police and a person at once; the question which child follows. Where several authorities or
placements know the number, each has a report of its own, with its candidates.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.carers.policy.consequences import confirmation, escalation
from services.carers.policy.context import About, Child, Provisional, Question, TextContext
from services.carers.policy.decision import Act, Answer, Decision, combine_decisions, tell
from services.carers.policy.mentions import sides
from services.carers.understanding import child_names
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import ChildReportedMissing

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
WHERE_ONE_IS_OPEN = {Answer.LURE: Answer.INFORMATION}
"""Police have the report already: what is said of luring is added to it."""


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
    answer = (WHERE_ONE_IS_OPEN if child.standing.open else WHERE_NONE_IS_OPEN).get(answer, answer)
    named = {"episode": child.episode} if issubclass(kind, events.ToldOfEpisode) else {}
    return Decision((tell(child.child, kind, context, **fields, **named),), answer, (child.child,))


def _report_child(child: Child, intent: Intent, context: TextContext) -> Decision:
    if intent is Intent.NOT_BACK and child.standing.state == "returned":
        taken_back = tell(child.child, events.ReportRetracted, context, retracts="return")
        return Decision((taken_back,), Answer.NOT_BACK, (child.child,))
    missing = tell(child.child, events.ChildReportedMissing, context, placement=context.placement)
    answer = Answer.MISSING_AGAIN if child.standing.open else Answer.MISSING
    return Decision((missing,), answer, (child.child,), denied=(child.child,))


CODES_IN_ONE_TEXT = 3


def decide_unnamed(intents: tuple[Intent, ...], context: TextContext, *, of_another: bool = True) -> Decision:
    """`of_another`: a report in these words may be about one more child than this number has reported. Else it opens no
    second search: it is added to a report without a name, or it is asked which of several children it is about.
    """
    begun = context.sought_here or any(each.child is None for each in context.provisionals)
    if set(intents) & REPORTS and (of_another or not begun):
        return _report_unnamed(intents, context)
    alike = sides.are_alike(context.children)
    nameless = [] if alike or context.open else _list_nameless(context)
    if nameless:
        return combine_decisions(
            [
                decide_for_child(context.child_of_report(each), intent, context)
                for each in nameless
                for intent in intents
            ]
        )
    if Intent.LURE in intents:
        acts = [
            act
            for side in sides.list_sides(context)
            for act in (*_suspect_luring(side), escalation.request_identification(side))
        ]
        answer = Answer.ALIKE if alike else Answer.WHICH
        return Decision(tuple(acts), answer, question=_ask_which(context, "information"))
    if Intent.BACK in intents and not alike and 1 < len(context.open) <= CODES_IN_ONE_TEXT:
        claims = confirmation.ask_for_each(context.open, context)
        question = _ask_which(context, "return")
        return Decision(
            escalation.request_each_team(context, "which-child"), Answer.BACK_EACH, question=question, claims=claims
        )
    about: About = "return" if Intent.BACK in intents else "information"
    answer = Answer.ALIKE if alike else Answer.BACK_WHICH if about == "return" else Answer.WHICH
    return Decision(escalation.request_each_team(context, "which-child"), answer, question=_ask_which(context, about))


def report_by_other_code(intents: tuple[Intent, ...], context: TextContext, *, of_another: bool) -> Decision:
    """A report by a code of none of the speaker's children. A second one, while we ask which child it is, is about the
    same child, unless it says "too" or names several, and a person reads it.
    """
    asked = context.question
    if asked is None or asked.about != "report" or of_another:
        decision = _report_unnamed(intents, context)
        if sides.are_alike(context.children):
            return decision  # no code tells them apart, and perhaps no force is told
        return replace(decision, answer=Answer.MISSING_OTHER_CODE, question=Question("report", context.provisional))
    begun = sides.find_reports(context, asked.provisional)
    again = [decide_for_child(context.child_of_report(each), intent, context) for each in begun for intent in intents]
    read = [escalation.request_person(context, "which-child", each.provisional) for each in begun]
    acts = (*combine_decisions(again).acts, *read)
    return Decision(acts, Answer.MISSING_OTHER_CODE, question=asked)


def _list_nameless(context: TextContext) -> Sequence[Provisional]:
    """The reports without a name, if they all come from one text."""
    nameless = [each for each in context.provisionals if each.child is None]
    return nameless if len({each.reported_at for each in nameless}) == 1 else []


def _report_unnamed(intents: tuple[Intent, ...], context: TextContext) -> Decision:
    acts = []
    for side in sides.list_sides(context):
        candidates = tuple(each.child for each in side.children)
        report = tell(side.provisional, ChildReportedMissing, side, candidates=candidates, placement=side.placement)
        acts += [report, escalation.request_identification(side)]
        acts += _suspect_luring(side) if Intent.LURE in intents else ()
    question = _ask_which(context, "report")
    if sides.are_alike(context.children):
        # Without a known placement no force is told.
        placed = all(side.placement for side in sides.list_sides(context))
        answer = Answer.MISSING_ALIKE if placed else Answer.MISSING_NO_FORCE
        return Decision(tuple(acts), answer, coded=context.children[0].code)
    if question is not None and (same := _find_same(context)) is not None:
        return Decision(tuple(acts), Answer.MISSING_SAME, question=question, coded=same.code)
    return Decision(tuple(acts), Answer.MISSING_WHICH if question else Answer.MISSING, question=question)


def _find_same(context: TextContext) -> Child | None:
    """The child, sought now, about whom this phone texted within the hour, where SAME will join this report alone."""
    begun = [each for each in context.provisionals if each.child is None]
    same = [each for each in context.children if context.recent is not None and each.child == context.recent[0]]
    return same[0] if same and same[0].code and not begun and len(sides.list_sides(context)) == 1 else None


def _suspect_luring(side: TextContext) -> tuple[Act, ...]:
    return decide_for_child(Child(side.provisional, ""), Intent.LURE, side).acts


def _ask_which(context: TextContext, about: About) -> Question | None:
    """None where the sender has fewer than two children that codes tell apart."""
    if len({child_names.simplify_code(each.code) for each in context.children}) < 2:
        return None
    return Question(about, context.provisional)
