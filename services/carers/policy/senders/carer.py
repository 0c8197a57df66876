"""A carer or residential worker texts: about their own children only."""

from collections.abc import Sequence
from dataclasses import replace

from services.carers.policy import enquiry, human, unnamed, whose
from services.carers.policy.answer import Answer
from services.carers.policy.child_mentions import STANDS_DOWN, ChildMentions, resolve_mentions
from services.carers.policy.one_child import decide_for_child
from services.carers.policy.scene import Act, Child, Decision, PoliceStand, Standing, TextContext
from services.carers.understanding import confirmations, residence, whom
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import (
    ChildReportedMissing,
    ChildReturnClaimed,
    ChildReturned,
    MissingRetractionClaimed,
    ReportRetracted,
)
from services.safeguarding.identifiers import ChildId

REPLIES_AN_HOUR = 20
"""Beyond this only a report or a return is answered: two machines may be answering each other."""
URGENT = ChildReportedMissing | ChildReturnClaimed | ChildReturned | MissingRetractionClaimed | ReportRetracted
REFERENCE_ALONE = frozenset(
    {"ref", "refs", "reference", "number", "no", "police", "the", "is", "my", "please", "thanks"}
)
SAID_IN_PASSING = STANDS_DOWN | {Intent.UNCLEAR}
MANY = 3
NO_NEWS_OF_ITS_OWN = frozenset({*REPORTS, Intent.THANKS, Intent.UNCLEAR})


def decide(meaning: Meaning, scene: TextContext) -> Decision:
    found = resolve_mentions(meaning, scene)
    decision = _answer_to_question(meaning, found, scene) or _told(meaning, found, scene)
    decision = decision or _meant_to_confirm(meaning, scene) or _asked(meaning, scene)
    if meaning.doubtful or found.doubtful:
        decision = human.also_escalate(decision, scene, "not-understood")
    return within_limits(decision, scene)


def within_limits(decision: Decision, scene: TextContext) -> Decision:
    """What is decided is done all the same: it is only not answered."""
    if _is_urgent(decision) or scene.replies_this_hour < REPLIES_AN_HOUR:
        return decision
    return replace(decision, answer=None, question=None)


def _answer_to_question(meaning: Meaning, found: ChildMentions, scene: TextContext) -> Decision | None:
    """Which child? That one. A text that tells something else leaves the question open, and a report answers none but that it was about."""
    question = scene.question
    if question is None or not set(meaning.intents) <= NO_NEWS_OF_ITS_OWN:
        return None
    if question.about != "report" and REPORTS & set(meaning.intents):
        return None
    children = found.named or whom.answered(meaning.words, [_known(each) for each in scene.children])
    if not children:
        return None
    if question.about == "report":
        return _identified(question.provisional, children, scene)
    intent = {"return": Intent.BACK, "information": Intent.UNCLEAR}[question.about]
    completed = unnamed.together([decide_for_child(scene.by_id(child), intent, scene) for child in children])
    return replace(completed, answered=True)


def _identified(asked_of: ChildId, children: Sequence[ChildId], scene: TextContext) -> Decision:
    """A report that began without a name goes on under the first child's that it may be about; of any other child it is a report of its
    own. A report to which none of them belongs is not taken back by that: a person finds out.
    """
    begun = whose.reports(scene, asked_of)
    told = unnamed.together([decide_for_child(scene.by_id(child), Intent.MISSING, scene) for child in children])
    identified: dict[ChildId, ChildId] = {}
    for child in children:
        report = whose.report_of(scene.by_id(child), begun, asked_of)
        if report is not None:
            identified.setdefault(report, child)
    acts = [Act(report, _says_who(scene.by_id(child), scene)) for report, child in identified.items()]
    acts += [act for act in told.acts if act.subject not in identified.values()]
    for each in begun:
        if each.provisional in identified:
            acts += decide_for_child(scene.unnamed(each), Intent.UNCLEAR, scene).acts
        else:
            acts.append(human.needed(scene, "which-child", each.provisional))
    answer = Answer.MISSING_NAMED if identified else told.answer
    return replace(told, acts=tuple(acts), answer=answer, answered=True, identified=tuple(identified.items()))


def _says_who(child: Child, scene: TextContext) -> ChildIdentified:
    seen = scene.of(child)
    return ChildIdentified(authority=seen.authority, said_by=seen.person, channel="text", child=child.child)


def _told(meaning: Meaning, found: ChildMentions, scene: TextContext) -> Decision | None:
    """None where the text tells nothing of a child."""
    if Intent.REFERENCE in meaning.intents and not meaning.reference:
        return _reference_without_number(meaning, scene)
    parts = [
        _told_of(child, intent, scene)
        for child, intents in found.about.items()
        for intent in intents
        if intent not in SAID_IN_PASSING or not _only_at_home(child, found, scene)
    ]
    if len(found.about) >= MANY and not scene.open and not scene.provisionals and _all_are_home(found, scene):
        return human.to_human(scene, "not-understood")
    if found.nobody:
        parts.append(unnamed.decide_unnamed(found.nobody, scene))
    parts += [unnamed.decide_unnamed(intents, whose.among(scene, several)) for several, intents in found.either.items()]
    if not parts:
        return None
    decision = _each_named(unnamed.together(parts), scene)
    nameless = {each.provisional for each in scene.provisionals if each.child is None}
    if (
        any(isinstance(act.content, ChildReturnClaimed) and act.subject not in nameless for act in decision.acts)
        and nameless
    ):
        return _back_but_was_it_the_one(decision, scene, nameless)
    return decision


def _each_named(decision: Decision, scene: TextContext) -> Decision:
    """Nobody confirms for more children than the text can name: of those who are back each is named first."""
    if all(len(claim.about) <= unnamed.CODES_IN_ONE_TEXT for claim in decision.claims):
        return decision
    kept = tuple(
        act for act in decision.acts if not isinstance(act.content, ChildReturnClaimed | MissingRetractionClaimed)
    )
    missing = any(isinstance(act.content, ChildReportedMissing) for act in kept)
    return replace(
        decision,
        acts=(*kept, *human.each_team(scene, "which-child")),
        claims=(),
        answer=decision.answer if missing else Answer.BACK_WHICH,
        ended=(),
    )


def _told_of(child: ChildId, intent: Intent, scene: TextContext) -> Decision:
    """What is unclear of a child that nobody misses is for a person."""
    of = scene.by_id(child)
    if intent is Intent.UNCLEAR and not of.standing.open:
        return Decision((human.needed(scene, "not-understood", child),), Answer.HUMAN)
    return decide_for_child(of, intent, scene)


def _only_at_home(child: ChildId, found: ChildMentions, scene: TextContext) -> bool:
    """One is missing or back, and another is here, as always: nobody has come back whom nobody missed."""
    others = [intents for other, intents in found.about.items() if other != child]
    missing = any(REPORTS & set(intents) for intents in (*others, found.nobody))
    back = any(
        STANDS_DOWN & set(intents) and scene.by_id(other).standing.open
        for other, intents in found.about.items()
        if other != child
    )
    return (missing or back) and scene.by_id(child).standing.state is None and not scene.provisionals


def _all_are_home(found: ChildMentions, scene: TextContext) -> bool:
    """As a night report says: nobody has missed any of them, and a person sees whether somebody should have."""
    return len(found.about) == len(scene.children) and all(
        intents == (Intent.BACK,) for intents in found.about.values()
    )


def _reference_without_number(meaning: Meaning, scene: TextContext) -> Decision:
    """Asked for again. Whatever stands beside the word REF, a person reads."""
    asked = Decision(answer=Answer.REFERENCE_WITHOUT_NUMBER)
    alone = set(meaning.words.split()) <= REFERENCE_ALONE
    return asked if alone else human.also_escalate(asked, scene, "not-understood")


def _back_but_was_it_the_one(decision: Decision, scene: TextContext, nameless: set[ChildId]) -> Decision:
    """A child is back while a report without a name is open: whether it was about this child, a person finds out."""
    acts = tuple(human.needed(scene, "which-child", subject) for subject in sorted(nameless))
    return replace(decision, acts=(*decision.acts, *acts))


def _asked(meaning: Meaning, scene: TextContext) -> Decision:
    """A question, a wish, or what nobody understands."""
    intents = set(meaning.intents)
    if meaning.enquiry == "where" and _is_enquiry(meaning.words, scene):
        return enquiry.refused(scene)
    if Intent.STATUS in intents or (Intent.ENQUIRY in intents and scene.open):
        return _status(scene) if meaning.asks_only else replace(_status(scene), acts=_kept(scene).acts)
    if Intent.HELP in intents:
        return human.to_human(scene, "asked-for-human")
    if intents == {Intent.THANKS} and not scene.pictures:
        return Decision()
    if len(scene.open) == 1 and meaning.words and intents & {Intent.UNCLEAR, Intent.THANKS, Intent.ACKNOWLEDGE}:
        return _kept(scene)
    return human.to_human(scene, "picture-only" if scene.pictures and not meaning.words else "not-understood")


def _meant_to_confirm(meaning: Meaning, scene: TextContext) -> Decision | None:
    """It can only be meant to confirm something, and holds no code of ours."""
    meant_so = Intent.UNCLEAR in meaning.intents and confirmations.seems_meant(meaning.words)
    return human.to_human(scene, "code-not-valid") if meant_so else None


def _kept(scene: TextContext) -> Decision:
    """Words that say more than we understand: for the one child that is missing, else for a person."""
    if len(scene.open) == 1:
        return decide_for_child(scene.open[0], Intent.UNCLEAR, scene)
    return human.to_human(scene, "not-understood")


def _is_enquiry(words: str, scene: TextContext) -> bool:
    """Where a child lives. Where a child is tonight is another question while one of theirs is missing: how it stands."""
    return residence.asked_for(words) or (not scene.open and residence.asks_for_a_child(words))


def _status(scene: TextContext) -> Decision:
    """Of several open reports, the one that has got least far."""
    if not scene.open:
        return Decision(answer=Answer.STATUS_NOTHING_OPEN)
    least = min((child.standing for child in scene.open), key=_how_far)
    return Decision(answer=Answer.STATUS, standing=least)


def _how_far(standing: Standing) -> tuple[int, bool]:
    return list(PoliceStand).index(standing.police), standing.duty_answered


def _is_urgent(decision: Decision) -> bool:
    return decision.wrong_code or bool(decision.claims) or any(isinstance(act.content, URGENT) for act in decision.acts)


def _known(child: Child) -> whom.Known:
    return whom.Known(child.child, child.code, child.names)
