"""Decides about the texts of a police officer whose number is in the directory.

A person reads each at once, and nothing is confirmed: only the force's signed replies and its telephone speak for the
force.
"""

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.senders import staff
from services.carers.understanding.meaning import Intent, Meaning


def decide(meaning: Meaning, context: TextContext) -> Decision:
    """The code of a telling that was sent to this number acknowledges that telling, and nothing else."""
    coded = context.telling is not None and not staff.leaves_duty(meaning)
    acknowledged = staff.acknowledge_telling(context.telling).acts if context.telling is not None and coded else ()
    if acknowledged and set(meaning.intents) <= {Intent.ACKNOWLEDGE, Intent.THANKS}:
        return Decision(acknowledged, Answer.ACKNOWLEDGED)
    acts = escalation.request_each_team(context, "police-officer")
    if meaning.enquiry == "where":
        acts += escalation.refuse_enquiry(context).acts
    return Decision((*acknowledged, *acts), Answer.OFFICER)
