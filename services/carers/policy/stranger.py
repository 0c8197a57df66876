"""A number that nobody knows, or a former carer's: one safe answer, a person told, nothing confirmed to anybody."""

from services.carers.policy import human
from services.carers.policy.scene import Act, Answer, Decision, Scene
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.events import LocationEnquiryReceived

TEXTS_AN_HOUR = 20
"""Beyond this a number's texts are kept, and a person is brought the 1st, 2nd, 4th, 8th and so on of them: never none, never a flood."""


def decide(meaning: Meaning, scene: Scene) -> Decision:
    """The answer is the same whatever is asked, so that nothing can be learned from it, and goes out once an hour at most."""
    beyond = scene.texts_this_hour - TEXTS_AN_HOUR
    if beyond > 0 and beyond.bit_count() > 1:
        return Decision()
    answer = Answer.STRANGER if scene.replies_this_hour == 0 and Intent.STOP not in meaning.intents else None
    if Intent.ENQUIRY in meaning.intents:
        enquiry = LocationEnquiryReceived(authority=scene.authority, said_by=scene.person, channel="text")
        return Decision((Act(scene.provisional, enquiry),), answer)
    return Decision((human.needed(scene, "unknown-sender", scene.provisional),), answer)
