"""Chooses the policy for the kind of sender, and decides by it.

A police officer whose number is in the directory: a person reads each text at once, and nothing is confirmed, since
only the force's signed replies and its telephone speak for the force. An unknown number, or a former carer's, may be
a child's own phone: a person reads each text at once, in any language, and after the one safe answer no automatic
one follows (S61).
"""

import re
from dataclasses import replace

from services.carers.policy import echo
from services.carers.policy.consequences import confirmation, enrolment, escalation
from services.carers.policy.context import Telling, TextContext
from services.carers.policy.decision import Act, Answer, Decision
from services.carers.policy.senders import carer, staff
from services.carers.understanding.meaning import REPORTS, Intent, Meaning


def decide_for_officer(meaning: Meaning, context: TextContext) -> Decision:
    """The code of a telling that was sent to this number acknowledges that telling, and nothing else."""
    coded = context.telling is not None and not staff.leaves_duty(meaning)
    acknowledged = staff.acknowledge_telling(context.telling).acts if context.telling is not None and coded else ()
    if acknowledged and set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return Decision(acknowledged, Answer.ACKNOWLEDGED)
    acts = escalation.request_each_team(context, "police-officer")
    if meaning.enquiry == "where":
        acts += escalation.refuse_enquiry(context).acts
    return Decision((*acknowledged, *acts), Answer.OFFICER)


TEXTS_AN_HOUR = 20
"""Beyond this all texts are kept, but a person is only sent the 1st, 2nd, 4th, 8th and so on."""
NOTHING_BESIDES = frozenset({Intent.ENQUIRY, Intent.STATUS, Intent.THANKS, Intent.UNCLEAR})
"""Beside an enquiry these add nothing. A cry for help or a report does."""


def decide_for_stranger(meaning: Meaning, context: TextContext) -> Decision:
    """The code of a telling that was sent to this number acknowledges that telling, and nothing else: by the register
    the sender has nothing to do with the child any more.
    """
    if context.telling is None or Intent.STOP in meaning.intents or staff.leaves_duty(meaning):
        return _answer_stranger(meaning, context)
    acknowledged = staff.acknowledge_telling(context.telling)
    if set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return acknowledged
    rest = _answer_stranger(meaning, context)
    return replace(rest, acts=(*acknowledged.acts, *rest.acts))


def _answer_stranger(meaning: Meaning, context: TextContext) -> Decision:
    """The answer is always the same, so that nobody learns anything from it."""
    beyond = context.texts_this_hour - TEXTS_AN_HOUR
    if beyond > 0 and beyond.bit_count() > 1:
        return Decision()
    answer = None if context.answered_before or Intent.STOP in meaning.intents else Answer.STRANGER
    acts = escalation.refuse_enquiry(context).acts if meaning.enquiry else ()
    if not acts or set(meaning.intents) - NOTHING_BESIDES or not meaning.asks_only:
        acts += _request_person(context)
    return Decision(acts, answer)


def _request_person(context: TextContext) -> tuple[Act, ...]:
    told = context.telling
    if told is None:
        return escalation.request_each_team(context, "unknown-sender")
    return (escalation.request_person(replace(context, authority=told.authority), "unknown-sender", told.child),)


OWN_CHILDREN = frozenset({"carer", "residential"})
STILL_UNCLEAR = frozenset({Answer.HUMAN, Answer.KEPT})
NEWS = REPORTS | {Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.HELP}
"""Of a child who may be missing."""

OK_NUMBER = re.compile(r"\s*ok\W*(?:no\W*)?[0-9]{5}\W*", re.IGNORECASE)
"""An OK with a number of a text of ours, and nothing else."""


def decide(meaning: Meaning, context: TextContext) -> Decision:
    decision = _decide_by_kind(meaning, context)
    if meaning.danger and context.kind in OWN_CHILDREN and decision.answer is not Answer.NOT_LIVE:
        decision = escalation.put_danger_first(decision, context)
    decision = confirmation.hold_codes(confirmation.void_codes(decision, meaning, context), context)
    if context.asks_whether and (decision.answer or decision.acts) and decision.answer not in STILL_UNCLEAR:
        decision = replace(decision, answered=True)
    return replace(decision, replies=echo.compose_replies(decision, context))


def _decide_by_kind(meaning: Meaning, context: TextContext) -> Decision:
    if not context.live and context.telling is None and not context.unanswered:
        practised = enrolment.decide_enrolment(meaning, context) if context.kind in OWN_CHILDREN else None
        if practised is None and (NEWS & set(meaning.intents) or context.pictures):
            return Decision(answer=Answer.NOT_LIVE)  # nobody else hears of it: a practice must not use the answers up
        return carer.within_limits(practised or Decision(answer=Answer.NOT_LIVE), context)
    if context.kind in OWN_CHILDREN:
        return _decide_for_carer(meaning, context)
    if context.kind == "officer":
        return carer.within_limits(_stop_texts(meaning, context) or decide_for_officer(meaning, context), context)
    if context.kind == "staff":
        confirmed = _stop_texts(meaning, context) or confirmation.confirm_by_code(meaning, context)
        return carer.within_limits(confirmed or staff.decide(meaning, context), context)
    return carer.within_limits(decide_for_stranger(meaning, context), context)


def _decide_for_carer(meaning: Meaning, context: TextContext) -> Decision:
    if stopped := _stop_texts(meaning, context):
        return stopped
    if answered := confirmation.confirm_by_code(meaning, context) or enrolment.decide_enrolment(meaning, context):
        return carer.within_limits(answered, context)
    if context.telling is None:
        if (on_duty := _decide_on_duty(meaning, context)) is not None:
            return carer.within_limits(on_duty, context)
        alone = meaning.intents == (Intent.ACKNOWLEDGE,) and (
            meaning.asks_only or bool(OK_NUMBER.fullmatch(meaning.words))
        )
        return Decision(answer=Answer.CODE_UNKNOWN) if alone else carer.decide(meaning, context)
    if staff.is_told_of(context.telling, context):
        return carer.within_limits(staff.decide(meaning, context), context)
    return _decide_with_code(context.telling, meaning, context)


def _decide_on_duty(meaning: Meaning, context: TextContext) -> Decision | None:
    """An OK or a no to what a carer was told as a professional. None where it is neither."""
    if staff.refuses_what_they_were_told(meaning, context):
        return staff.decide(meaning, context)
    return staff.decide_on_ok(meaning, context) if context.unanswered else None


def _decide_with_code(telling: Telling, meaning: Meaning, context: TextContext) -> Decision:
    """The text holds the code of a telling that was sent to this number."""
    if staff.leaves_duty(meaning):
        return carer.decide(meaning, context)
    acknowledged = staff.acknowledge_telling(telling)
    if set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return acknowledged
    told = carer.decide(meaning, context)
    return replace(told, acts=(*told.acts, *acknowledged.acts))


def _stop_texts(meaning: Meaning, context: TextContext) -> Decision | None:
    """STOP: a person is told and finds another way to reach them, since safeguarding does not end with a text."""
    return escalation.escalate(context, "opted-out", answer=None) if Intent.STOP in meaning.intents else None
