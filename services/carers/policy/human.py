"""Handing over to a person: what we do not understand, may not decide, or are asked not to."""

from dataclasses import replace
from typing import Literal, TypeAlias

from services.carers.policy.scene import Act, Answer, Decision, Scene
from services.safeguarding.events import ChildProvisional, TextNeedsHuman
from services.safeguarding.identifiers import ChildId

Reason: TypeAlias = Literal[
    "not-understood",
    "unknown-sender",
    "police-officer",
    "picture-only",
    "asked-for-human",
    "opted-out",
    "which-child",
    "code-not-valid",
    "damaged",
]


def needed(scene: Scene, reason: Reason, subject: ChildId | None = None) -> Act:
    content = TextNeedsHuman(authority=scene.authority, said_by=scene.person, channel="text", reason=reason)
    return Act(subject or subject_of(scene), content)


def to_human(scene: Scene, reason: Reason, answer: Answer | None = Answer.HUMAN) -> Decision:
    return Decision((needed(scene, reason),), answer)


def as_well(decision: Decision, scene: Scene, reason: Reason) -> Decision:
    """Beside what is decided, a person reads the text."""
    if any(isinstance(act.content, TextNeedsHuman) for act in decision.acts):
        return decision
    subject = decision.acts[0].subject if decision.acts else None
    return replace(decision, acts=(*decision.acts, needed(scene, reason, subject)))


def identifies(scene: Scene) -> Act:
    """A person finds out which child a report was about, whether or not the reporter answers."""
    candidates = tuple(each.child for each in scene.children)
    content = ChildProvisional(authority=scene.authority, candidates=candidates, placement=scene.placement)
    return Act(scene.provisional, content)


def subject_of(scene: Scene) -> ChildId:
    """The child that a text is most likely about: the only one missing, the only one there is, else nobody we could name."""
    if len(scene.open) == 1:
        return scene.open[0].child
    return scene.children[0].child if len(scene.children) == 1 else scene.provisional
