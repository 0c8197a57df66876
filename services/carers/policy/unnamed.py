"""A child that is not named. A report goes to police and a person at once; which child it is, is asked afterwards."""

from services.carers.policy import confirmation, human
from services.carers.policy.one_child import told_of
from services.carers.policy.scene import About, Act, Answer, Child, Decision, Question, Scene, Standing
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding.events import ChildReportedMissing
from services.safeguarding.message import Message

CODES_IN_ONE_TEXT = 3


def told(intents: tuple[Intent, ...], scene: Scene) -> Decision:
    if set(intents) & REPORTS:
        return _reported(intents, scene)
    unnamed = [each for each in scene.provisionals if each.child is None]
    if len(unnamed) == 1 and not scene.open:
        child = Child(unnamed[0].provisional, "", standing=Standing("missing"))
        parts = [told_of(child, intent, scene) for intent in intents]
        return together(parts)
    if Intent.LURE in intents:
        acts = (*told_of(Child(scene.provisional, ""), Intent.LURE, scene).acts, human.identifies(scene))
        return Decision(acts, Answer.WHICH, question=_question(scene, "information"))
    if Intent.BACK in intents and 1 < len(scene.open) <= CODES_IN_ONE_TEXT:
        claims = confirmation.ask_for_each(scene.open, scene)
        act = human.needed(scene, "which-child", scene.provisional)
        return Decision((act,), Answer.BACK_EACH, question=_question(scene, "return"), claims=claims)
    about: About = "return" if Intent.BACK in intents else "information"
    answer = Answer.BACK_WHICH if about == "return" else Answer.WHICH
    return Decision((human.needed(scene, "which-child", scene.provisional),), answer, question=_question(scene, about))


def _reported(intents: tuple[Intent, ...], scene: Scene) -> Decision:
    candidates = tuple(each.child for each in scene.children)
    content = ChildReportedMissing(
        authority=scene.authority,
        said_by=scene.person,
        channel="text",
        candidates=candidates,
        placement=scene.placement,
    )
    acts = [Act(scene.provisional, content), human.identifies(scene)]
    if Intent.LURE in intents:
        acts.extend(told_of(Child(scene.provisional, ""), Intent.LURE, scene).acts)
    question = _question(scene, "report")
    return Decision(tuple(acts), Answer.MISSING_WHICH if question else Answer.MISSING, question=question)


def _question(scene: Scene, about: About) -> Question | None:
    """Worth asking only of somebody who has more than one child."""
    if len(scene.children) < 2:
        return None
    return Question(about, scene.provisional)


def together(parts: list[Decision]) -> Decision:
    """What is said of several children in one text, with one answer to it: the gravest."""
    acts: dict[tuple[str, type[Message]], Act] = {}
    for part in parts:
        for act in part.acts:
            acts.setdefault((act.subject, type(act.content)), act)
    gravest = min(parts, key=lambda part: GRAVITY.index(part.answer) if part.answer else len(GRAVITY))
    return Decision(
        tuple(acts.values()),
        gravest.answer,
        gravest.standing,
        question=next((part.question for part in parts if part.question), None),
        ended=tuple(ended for part in parts for ended in part.ended),
        claims=confirmation.merged(claim for part in parts for claim in part.claims),
        denied=tuple(denied for part in parts for denied in part.denied),
    )


GRAVITY = list(Answer)
"""`Answer` lists the gravest first."""
