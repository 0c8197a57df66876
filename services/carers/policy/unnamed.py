"""A child that is not named. A report goes to police and a person at once; which child it is, is asked afterwards.

Where several authorities or placements know the number, each has a report of its own, with the children that it may be.
"""

from collections.abc import Sequence

from services.carers.policy import confirmation, human, whose
from services.carers.policy.answer import Answer
from services.carers.policy.one_child import decide_for_child
from services.carers.policy.scene import About, Act, Child, Decision, Provisional, Question, TextContext
from services.carers.understanding import whom
from services.carers.understanding.meaning import REPORTS, Intent
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.message import Message

CODES_IN_ONE_TEXT = 3


def decide_unnamed(intents: tuple[Intent, ...], scene: TextContext) -> Decision:
    if set(intents) & REPORTS:
        return _reported(intents, scene)
    alike = whose.alike(scene.children)
    nameless = [] if alike or scene.open else _of_one_report(scene)
    if nameless:
        return together(
            [decide_for_child(scene.unnamed(each), intent, scene) for each in nameless for intent in intents]
        )
    if Intent.LURE in intents:
        acts = [act for side in whose.sides(scene) for act in (*_lured(side), human.identifies(side))]
        answer = Answer.ALIKE if alike else Answer.WHICH
        return Decision(tuple(acts), answer, question=_question(scene, "information"))
    if Intent.BACK in intents and not alike and 1 < len(scene.open) <= CODES_IN_ONE_TEXT:
        claims = confirmation.ask_for_each(scene.open, scene)
        question = _question(scene, "return")
        return Decision(human.each_team(scene, "which-child"), Answer.BACK_EACH, question=question, claims=claims)
    about: About = "return" if Intent.BACK in intents else "information"
    answer = Answer.ALIKE if alike else Answer.BACK_WHICH if about == "return" else Answer.WHICH
    return Decision(human.each_team(scene, "which-child"), answer, question=_question(scene, about))


def _of_one_report(scene: TextContext) -> Sequence[Provisional]:
    """The reports without a name, where one text was the cause of them all."""
    nameless = [each for each in scene.provisionals if each.child is None]
    return nameless if len({each.reported_at for each in nameless}) == 1 else []


def _reported(intents: tuple[Intent, ...], scene: TextContext) -> Decision:
    acts = []
    for side in whose.sides(scene):
        content = ChildReportedMissing(
            authority=side.authority,
            said_by=side.person,
            channel="text",
            candidates=tuple(each.child for each in side.children),
            placement=side.placement,
        )
        acts += [Act(side.provisional, content), human.identifies(side)]
        acts += _lured(side) if Intent.LURE in intents else ()
    question = _question(scene, "report")
    if whose.alike(scene.children):
        # Of a child that duty staff name no placement may be known, and then no force hears of it.
        placed = all(side.placement for side in whose.sides(scene))
        answer = Answer.MISSING_ALIKE if placed else Answer.MISSING_NO_FORCE
        return Decision(tuple(acts), answer, coded=scene.children[0].code)
    return Decision(tuple(acts), Answer.MISSING_WHICH if question else Answer.MISSING, question=question)


def _lured(side: TextContext) -> tuple[Act, ...]:
    return decide_for_child(Child(side.provisional, ""), Intent.LURE, side).acts


def _question(scene: TextContext, about: About) -> Question | None:
    """Worth asking only of somebody who has more than one child, and whose answer can tell them apart."""
    if len({whom.plain_code(each.code) for each in scene.children}) < 2:
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
        identified=tuple(each for part in parts for each in part.identified),
        coded=gravest.coded,
        claims=confirmation.merged(claim for part in parts for claim in part.claims),
        denied=tuple(denied for part in parts for denied in part.denied),
    )


GRAVITY = list(Answer)
"""`Answer` lists the gravest first."""
