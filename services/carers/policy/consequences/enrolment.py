"""Lets a carer join, and practise a report before the night it is needed (S16, S23).

Only texts that say nothing else are practice. A plain MISSING is always real, also during a practice.
"""

from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Answer, Claim, ClaimedChild, Decision, tell
from services.carers.understanding import child_names, replies
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.child_events.events import ChildReportedMissing, ReportRetracted
from services.safeguarding.identifiers import ChildId


def decide_enrolment(meaning: Meaning, context: TextContext) -> Decision | None:
    """None where the text is about neither."""
    match meaning.intents[0]:
        case Intent.JOIN:
            return _join(meaning, context)
        case Intent.PRACTICE:
            return Decision(answer=Answer.PRACTICE_HOW)
        case Intent.PRACTICE_MISSING:
            return _report_practice(meaning, context)
        case Intent.PRACTICE_BACK:
            return _ask_to_confirm(context)
    if (
        meaning.intents == (Intent.BACK,)
        and context.enrolment.practising
        and not context.open
        and not context.provisionals
    ):
        return _ask_to_confirm(context)
    quiet = context.question is None and not context.open and not context.provisionals
    first_text = not context.enrolment.joined and quiet and meaning.intents == (Intent.UNCLEAR,)
    return _join(meaning, context) if first_text and replies.is_only_codes(meaning.words) else None


def _join(meaning: Meaning, context: TextContext) -> Decision:
    """A code of none of their children means that the register, the card or the carer is wrong, or that it is no code
    but the name of a road: a person finds out.
    """
    own = {child_names.simplify_code(each.code) for each in context.children}
    if any(child_names.simplify_code(code) not in own for code in replies.find_codes(meaning.words)):
        return Decision((escalation.request_person(context, "which-child"),), Answer.JOINED_WITH_ANOTHER_CODE)
    several = len(context.children) > 1
    return Decision(answer=Answer.JOINED_WITH_SEVERAL if several else Answer.JOINED, stage="joined")


def _report_practice(meaning: Meaning, context: TextContext) -> Decision:
    if context.open or context.provisionals:
        return Decision(answer=Answer.PRACTICE_NOT_NOW)
    named = child_names.find_named(meaning.words, context.children).children
    if len(context.children) > 1 and len(named) != 1:
        return Decision(answer=Answer.PRACTICE_WHICH)
    child: ChildId = named[0] if named else context.children[0].child if context.children else context.provisional
    seen = context.for_subject(child)
    report = tell(child, ChildReportedMissing, seen, placement=seen.placement)
    return Decision((report,), Answer.PRACTICE_TOLD, stage="practising", exercise=True)


def _ask_to_confirm(context: TextContext) -> Decision:
    if context.enrolment.practising is None:
        return Decision(answer=Answer.PRACTICE_HOW)
    seen = context.for_subject(context.enrolment.practising)
    about = ClaimedChild(context.enrolment.practising, "", seen.authority, seen.person)
    return Decision(answer=Answer.PRACTICE_CONFIRM, claims=(Claim("practice", (about,)),), exercise=True)


def end_practice(authority: str, person: str | None) -> ReportRetracted:
    """Ends a practice that nobody ended, as a retracted report: a return would have police see the child."""
    return ReportRetracted(authority=authority, said_by=person, channel="text", retracts="missing")
