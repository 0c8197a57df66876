"""A carer gets to know Safe Return: says that they are there, and practises a report before the night it is needed (S16, S23).

Only texts that say nothing else are practice. A plain MISSING is real at every moment, in the midst of a practice too.
"""

from services.carers.policy import human
from services.carers.policy.answer import Answer
from services.carers.policy.claim import Claim, Claimed
from services.carers.policy.scene import Act, Child, Decision, TextContext
from services.carers.understanding import practice, whom
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.child_events.events import ChildReportedMissing, ReportRetracted
from services.safeguarding.identifiers import ChildId


def decide(meaning: Meaning, scene: TextContext) -> Decision | None:
    """None where the text is about neither."""
    match meaning.intents[0]:
        case Intent.JOIN:
            return _joined(meaning, scene)
        case Intent.PRACTICE:
            return Decision(answer=Answer.PRACTICE_HOW)
        case Intent.PRACTICE_MISSING:
            return _reported(meaning, scene)
        case Intent.PRACTICE_BACK:
            return _over(scene)
    if meaning.intents == (Intent.BACK,) and scene.enrolment.practising and not scene.open and not scene.provisionals:
        return _over(scene)
    quiet = scene.question is None and not scene.open and not scene.provisionals
    first_text = not scene.enrolment.joined and quiet and meaning.intents == (Intent.UNCLEAR,)
    return _joined(meaning, scene) if first_text and practice.is_only_codes(meaning.words) else None


def _joined(meaning: Meaning, scene: TextContext) -> Decision:
    """A code of somebody else's child means that the register, the card or the carer is wrong: a person finds out which."""
    if _named(meaning, scene).somebody_else:
        return Decision((human.needed(scene, "which-child"),), Answer.JOINED_WITH_ANOTHER_CODE)
    several = len(scene.children) > 1
    return Decision(answer=Answer.JOINED_WITH_SEVERAL if several else Answer.JOINED, stage="joined")


def _reported(meaning: Meaning, scene: TextContext) -> Decision:
    if scene.open or scene.provisionals:
        return Decision(answer=Answer.PRACTICE_NOT_NOW)
    named = _named(meaning, scene).children
    if len(scene.children) > 1 and len(named) != 1:
        return Decision(answer=Answer.PRACTICE_WHICH)
    child: ChildId = named[0] if named else scene.children[0].child if scene.children else scene.provisional
    seen = scene.about(child)
    report = ChildReportedMissing(
        authority=seen.authority, said_by=seen.person, channel="text", placement=seen.placement
    )
    return Decision((Act(child, report),), Answer.PRACTICE_TOLD, stage="practising", exercise=True)


def _over(scene: TextContext) -> Decision:
    if scene.enrolment.practising is None:
        return Decision(answer=Answer.PRACTICE_HOW)
    seen = scene.about(scene.enrolment.practising)
    about = Claimed(scene.enrolment.practising, "", seen.authority, seen.person)
    return Decision(answer=Answer.PRACTICE_CONFIRM, claims=(Claim("practice", (about,)),), exercise=True)


def over(authority: str, person: str | None) -> ReportRetracted:
    """How a practice ends that nobody ended: as a report taken back, since no child came home whom police would have to see."""
    return ReportRetracted(authority=authority, said_by=person, channel="text", retracts="missing")


def _named(meaning: Meaning, scene: TextContext) -> whom.Named:
    return whom.named(meaning.words, [_known(each) for each in scene.children])


def _known(child: Child) -> whom.Known:
    return whom.Known(child.child, child.code, child.names)
