"""A police officer texts from a number that the directory has: neither a carer nor a stranger.

A person reads it at once, and nothing is confirmed: what police tell counts when the force itself says it, by its signed
replies or by telephone, and a mobile is not the force.
"""

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.senders import staff
from services.carers.understanding.meaning import Intent, Meaning


def decide(meaning: Meaning, scene: TextContext) -> Decision:
    """A code of a text that was sent to this number acknowledges that text, and nothing else."""
    coded = scene.telling is not None and not staff.leaves_duty(meaning)
    acknowledged = staff.acknowledge_telling(scene.telling).acts if scene.telling is not None and coded else ()
    if acknowledged and set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return Decision(acknowledged, Answer.ACKNOWLEDGED)
    acts = escalation.request_each_team(scene, "police-officer")
    if meaning.enquiry == "where":
        acts += escalation.refuse_enquiry(scene).acts
    return Decision((*acknowledged, *acts), Answer.OFFICER)
