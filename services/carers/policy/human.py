"""Handing over to a person: what we do not understand, may not decide, or are asked not to."""

from dataclasses import replace
from typing import Literal, TypeAlias

from services.carers.policy import whose
from services.carers.policy.answer import Answer
from services.carers.policy.scene import Act, Decision, TextContext
from services.safeguarding.child_events.events import ChildProvisional, TextNeedsHuman
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


def needed(scene: TextContext, reason: Reason, subject: ChildId | None = None) -> Act:
    """By the authority whose child it is, as far as one is known."""
    about = subject or subject_of(scene)
    side = scene.about(about)
    content = TextNeedsHuman(authority=side.authority, said_by=side.person, channel="text", reason=reason)
    return Act(about, content)


def each_team(scene: TextContext, reason: Reason) -> tuple[Act, ...]:
    """About nobody whom we could name: each authority that knows the number has a person read the text."""
    return tuple(needed(team, reason, team.provisional) for team in whose.teams(scene))


def to_human(scene: TextContext, reason: Reason, answer: Answer | None = Answer.HUMAN) -> Decision:
    about = subject_of(scene)
    acts = each_team(scene, reason) if about == scene.provisional else (needed(scene, reason, about),)
    return Decision(acts, answer)


def also_escalate(decision: Decision, scene: TextContext, reason: Reason) -> Decision:
    """Beside what is decided, a person reads the text."""
    if any(isinstance(act.content, TextNeedsHuman) for act in decision.acts):
        return decision
    if not decision.acts:
        return replace(decision, acts=to_human(scene, reason).acts)
    told: dict[str, Act] = {}
    for act in decision.acts:
        authority = getattr(act.content, "authority", scene.authority)
        side = replace(scene, authority=authority, person=scene.person_in(authority))
        told.setdefault(authority, needed(side, reason, act.subject))
    return replace(decision, acts=(*decision.acts, *told.values()))


def identifies(scene: TextContext) -> Act:
    """A person finds out which child a report was about, whether or not the reporter answers."""
    candidates = tuple(each.child for each in scene.children)
    content = ChildProvisional(authority=scene.authority, candidates=candidates, placement=scene.placement)
    return Act(scene.provisional, content)


def subject_of(scene: TextContext) -> ChildId:
    """The child that a text is most likely about: the only one missing, the only one there is, else nobody we could name."""
    if len(scene.open) == 1:
        return scene.open[0].child
    return scene.children[0].child if len(scene.children) == 1 else scene.provisional
