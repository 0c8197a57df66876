"""Duty staff and other professionals of the child text."""

from services.carers.policy import human, unnamed
from services.carers.policy.one_child import told_of
from services.carers.policy.scene import Act, Answer, Child, Decision, Scene, Standing, Telling
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.safeguarding.outcomes import DutyAcknowledged

SAID_OF_A_CHILD = (
    *REPORTS, Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.REFERENCE,
)  # fmt: skip


def acknowledged(telling: Telling) -> Decision:
    content = DutyAcknowledged(
        duty=telling.duty,
        step=telling.step,
        authority=telling.authority,
        episode=telling.episode,
        by=telling.person,
        how="text",
    )
    return Decision((Act(telling.child, content),), Answer.ACKNOWLEDGED)


def decide(meaning: Meaning, scene: Scene) -> Decision:
    """A code says which child they mean. Without one, only a report goes out by itself; a person reads the rest."""
    said = [intent for intent in meaning.intents if intent in SAID_OF_A_CHILD]
    if scene.telling is not None:
        child = Child(scene.telling.child, "", standing=Standing("missing"))
        parts = [told_of(child, intent, scene) for intent in said]
        return unnamed.together([*parts, acknowledged(scene.telling)])
    if Intent.ACKNOWLEDGE in meaning.intents or meaning.intents == (Intent.THANKS,):
        return Decision(answer=Answer.CODE_UNKNOWN)
    if set(said) & REPORTS:
        return unnamed.told(tuple(said), scene)
    return human.to_human(scene, "asked-for-human" if Intent.HELP in meaning.intents else "not-understood")
