"""What one child's carer says of that child."""

from typing import Any

from services.carers.policy.scene import Act, Answer, Child, Decision, Scene
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding import events
from services.safeguarding.identifiers import ChildId

SAYS: dict[Intent, tuple[type[events.Told], dict[str, str], Answer]] = {
    Intent.SEEN: (events.ChildInformationReceived, {"nature": "sighting"}, Answer.INFORMATION),
    Intent.CONTACT: (events.ChildInformationReceived, {"nature": "contact"}, Answer.INFORMATION),
    Intent.UNCLEAR: (events.ChildInformationReceived, {"nature": "other"}, Answer.INFORMATION),
    Intent.LURE: (events.ChildLuringSuspected, {}, Answer.LURE),
    Intent.REFERENCE: (events.PoliceReferenceTexted, {}, Answer.REFERENCE),
    Intent.LOCATED: (events.ChildLocated, {}, Answer.LOCATED),
}


def told_of(child: Child, intent: Intent, scene: Scene) -> Decision:
    """`child` may be a report by the same speaker about a child not yet named. What is said is said as the child's authority knows them."""
    scene = scene.of(child)
    if intent in REPORTS:
        return _reported(child, intent, scene)
    if intent is Intent.BACK:
        return _back(child, scene)
    if intent is Intent.FALSE_ALARM:
        return _false_alarm(child, scene)
    kind, fields, answer = SAYS[intent]
    named = {"episode": child.episode} if issubclass(kind, events.ToldOfEpisode) else {}
    said = kind.model_validate(_told(scene) | fields | named)
    return Decision((Act(child.child, said),), answer, child.standing)


def _told(scene: Scene) -> dict[str, Any]:
    return {"authority": scene.authority, "said_by": scene.person, "channel": "text"}


def _reported(child: Child, intent: Intent, scene: Scene) -> Decision:
    told = _told(scene)
    if intent is Intent.NOT_BACK and child.standing.state == "returned":
        taken_back = events.ReportRetracted(**told, retracts="return", proof=events.Proof.HANDSET)
        return Decision((Act(child.child, taken_back),), Answer.NOT_BACK, child.standing)
    missing = events.ChildReportedMissing(**told, placement=scene.placement)
    answer = Answer.MISSING_AGAIN if child.standing.open else Answer.MISSING
    return Decision((Act(child.child, missing),), answer, child.standing)


def _back(child: Child, scene: Scene) -> Decision:
    """The word of this child's own carer, or of duty staff about what they were told of. A report that began without a name ends with the child that it was about."""
    returned = events.ChildReturned(**_told(scene), episode=child.episode, proof=events.Proof.HANDSET)
    ended = _provisionals_of(child, scene)
    was_reported = bool(ended) or child.standing.open
    acts = tuple(Act(subject, returned) for subject in dict.fromkeys((child.child, *ended)))
    return Decision(acts, Answer.BACK if was_reported else Answer.BACK_NOTHING_OPEN, child.standing, ended=ended)


def _false_alarm(child: Child, scene: Scene) -> Decision:
    """Without an open report there is nothing to take back: the protocol has a person find out what was meant."""
    retracted = events.ReportRetracted(
        **_told(scene), episode=child.episode, retracts="missing", proof=events.Proof.HANDSET
    )
    ended = _provisionals_of(child, scene)
    acts = tuple(Act(subject, retracted) for subject in dict.fromkeys((child.child, *ended)))
    return Decision(acts, Answer.FALSE_ALARM, child.standing, ended=ended)


def _provisionals_of(child: Child, scene: Scene) -> tuple[ChildId, ...]:
    return tuple(each.provisional for each in scene.provisionals if child.child in {each.child, each.provisional})
