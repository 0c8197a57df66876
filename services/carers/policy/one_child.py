"""What one child's carer says of that child."""

from typing import Any

from services.carers.policy import confirmation
from services.carers.policy.answer import Answer
from services.carers.policy.scene import Act, Child, Decision, TextContext
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding.child_events import events

SAYS: dict[Intent, tuple[type[events.Told], dict[str, str], Answer]] = {
    Intent.SEEN: (events.ChildInformationReceived, {"nature": "sighting"}, Answer.INFORMATION),
    Intent.CONTACT: (events.ChildInformationReceived, {"nature": "contact"}, Answer.INFORMATION),
    Intent.UNCLEAR: (events.ChildInformationReceived, {"nature": "other"}, Answer.INFORMATION),
    Intent.LURE: (events.ChildLuringSuspected, {}, Answer.LURE),
    Intent.REFERENCE: (events.PoliceReferenceTexted, {}, Answer.REFERENCE),
    Intent.LOCATED: (events.ChildLocationClaimed, {}, Answer.LOCATED),
}


def decide_for_child(child: Child, intent: Intent, scene: TextContext) -> Decision:
    """`child` may be a report by the same speaker about a child not yet named. What is said is said as the child's authority knows them."""
    scene = scene.of(child)
    if intent in REPORTS:
        return _reported(child, intent, scene)
    if intent is Intent.BACK:
        return confirmation.claim_return(child, scene)
    if intent is Intent.FALSE_ALARM:
        return confirmation.claim_false_alarm(child, scene)
    kind, fields, answer = SAYS[intent]
    named = {"episode": child.episode} if issubclass(kind, events.ToldOfEpisode) else {}
    said = kind.model_validate(_told(scene) | fields | named)
    return Decision((Act(child.child, said),), answer, child.standing)


def _told(scene: TextContext) -> dict[str, Any]:
    return {"authority": scene.authority, "said_by": scene.person, "channel": "text"}


def _reported(child: Child, intent: Intent, scene: TextContext) -> Decision:
    told = _told(scene)
    if intent is Intent.NOT_BACK and child.standing.state == "returned":
        taken_back = events.ReportRetracted(**told, retracts="return")
        return Decision((Act(child.child, taken_back),), Answer.NOT_BACK, child.standing)
    missing = events.ChildReportedMissing(**told, placement=scene.placement)
    answer = Answer.MISSING_AGAIN if child.standing.open else Answer.MISSING
    return Decision((Act(child.child, missing),), answer, child.standing, denied=(child.child,))
