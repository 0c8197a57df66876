"""A number that nobody knows, or a former carer's: one safe answer, a person told, nothing confirmed to anybody.

It may be a child's own phone, with our number memorised: what is texted goes to a person at once, in whatever language, and
after the one safe answer nothing automatic follows (S61).
"""

from dataclasses import replace

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.policy.senders import staff
from services.carers.understanding.meaning import Intent, Meaning

TEXTS_AN_HOUR = 20
"""Beyond this a number's texts are kept, and a person is brought the 1st, 2nd, 4th, 8th and so on of them: never none, never a flood."""
NOTHING_BESIDES = frozenset({Intent.ENQUIRY, Intent.STATUS, Intent.THANKS, Intent.UNCLEAR})
"""With an enquiry these say nothing more. A cry for help or a report does, and is read as one too."""


def decide(meaning: Meaning, scene: TextContext) -> Decision:
    """A code of a text that was sent to this number acknowledges that text, and nothing else: whoever holds the phone by now,
    the register says no longer that they have to do with the child.
    """
    if scene.telling is None or Intent.STOP in meaning.intents or staff.leaves_duty(meaning):
        return _answer_stranger(meaning, scene)
    acknowledged = staff.acknowledge_telling(scene.telling)
    if set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return acknowledged
    rest = _answer_stranger(meaning, scene)
    return replace(rest, acts=(*acknowledged.acts, *rest.acts))


def _answer_stranger(meaning: Meaning, scene: TextContext) -> Decision:
    """The answer is the same whatever is asked, so that nothing can be learned from it. Of whom the code in it speaks, the person
    who reads it is told.
    """
    beyond = scene.texts_this_hour - TEXTS_AN_HOUR
    if beyond > 0 and beyond.bit_count() > 1:
        return Decision()
    answer = None if scene.answered_before or Intent.STOP in meaning.intents else Answer.STRANGER
    acts = escalation.refuse_enquiry(scene).acts if meaning.enquiry else ()
    if not acts or set(meaning.intents) - NOTHING_BESIDES or not meaning.asks_only:
        acts += _request_person(scene)
    return Decision(acts, answer)


def _request_person(scene: TextContext) -> tuple[Act, ...]:
    told = scene.telling
    if told is None:
        return escalation.request_each_team(scene, "unknown-sender")
    return (escalation.request_person(replace(scene, authority=told.authority), "unknown-sender", told.child),)
