"""A number that nobody knows, or a former carer's: one safe answer, a person told, nothing confirmed to anybody.

It may be a child's own phone, with our number memorised: what is texted goes to a person at once, in whatever language, and
after the one safe answer nothing automatic follows (S61).
"""

from services.carers.policy import enquiring, human
from services.carers.policy.scene import Answer, Decision, Scene
from services.carers.understanding.meaning import Intent, Meaning

TEXTS_AN_HOUR = 20
"""Beyond this a number's texts are kept, and a person is brought the 1st, 2nd, 4th, 8th and so on of them: never none, never a flood."""
NOTHING_BESIDES = frozenset({Intent.ENQUIRY, Intent.STATUS, Intent.THANKS, Intent.UNCLEAR})
"""With an enquiry these say nothing more. A cry for help or a report does, and is read as one too."""


def decide(meaning: Meaning, scene: Scene) -> Decision:
    """The answer is the same whatever is asked, so that nothing can be learned from it."""
    beyond = scene.texts_this_hour - TEXTS_AN_HOUR
    if beyond > 0 and beyond.bit_count() > 1:
        return Decision()
    answer = None if scene.answered_before or Intent.STOP in meaning.intents else Answer.STRANGER
    acts = [enquiring.passed_on(scene)] if meaning.enquiry else []
    if not acts or set(meaning.intents) - NOTHING_BESIDES:
        acts.append(human.needed(scene, "unknown-sender", scene.provisional))
    return Decision(tuple(acts), answer)
