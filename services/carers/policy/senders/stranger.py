"""Decides about the texts of an unknown number, or a former carer's: one safe answer, and nothing is confirmed.

It may be a child's own phone. A person reads each text at once, in any language, and after the one safe answer no
automatic one follows (S61).
"""

from dataclasses import replace

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.policy.senders import staff
from services.carers.understanding.meaning import Intent, Meaning

TEXTS_AN_HOUR = 20
"""Beyond this all texts are kept, but a person is only sent the 1st, 2nd, 4th, 8th and so on."""
NOTHING_BESIDES = frozenset({Intent.ENQUIRY, Intent.STATUS, Intent.THANKS, Intent.UNCLEAR})
"""Beside an enquiry these add nothing. A cry for help or a report does."""


def decide(meaning: Meaning, context: TextContext) -> Decision:
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
