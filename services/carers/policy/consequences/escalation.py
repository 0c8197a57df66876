"""Hands a text over to a person: it is not understood, may not be decided by a machine, or asks for one.

Duty staff's word for who an unnamed child is ("VBHJZ it is C31") joins two cases for good. Only a plain statement
counts. A person reads questions, denials, doubts, and statements about several children. A report that quotes both
codes is a report of the child, since two missing children must not become one.
"""

import re
from dataclasses import replace

from services.carers.policy.context import Question, Telling, TextContext
from services.carers.policy.decision import Act, Answer, Decision, tell
from services.carers.policy.mentions import sides
from services.carers.understanding import child_names
from services.carers.understanding.languages.lexicon import load_words
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import (
    ChildProvisional,
    ChildReturnClaimed,
    HumanReason,
    LocationEnquiryReceived,
    MissingRetractionClaimed,
    TextNeedsHuman,
)
from services.safeguarding.identifiers import ChildId

ASKED_WHETHER = frozenset({"carer", "residential"})


def request_person(context: TextContext, reason: HumanReason, subject: ChildId | None = None) -> Act:
    """Asks the authority of the subject, if it is known, else that of the context."""
    about = subject or choose_subject(context)
    return tell(about, TextNeedsHuman, context.for_subject(about), reason=reason)


def request_each_team(context: TextContext, reason: HumanReason) -> tuple[Act, ...]:
    """Has a person of each authority that knows the number read the text, about an unnamed child."""
    return tuple(request_person(team, reason, team.provisional) for team in sides.list_teams(context))


def escalate(context: TextContext, reason: HumanReason, answer: Answer | None = Answer.HUMAN) -> Decision:
    about = choose_subject(context)
    acts = (
        request_each_team(context, reason)
        if about == context.provisional
        else (request_person(context, reason, about),)
    )
    return ask_once(Decision(acts, answer), context) if answer is Answer.HUMAN else Decision(acts, answer)


def ask_once(decision: Decision, context: TextContext) -> Decision:
    """Of a text that a person has to read: asks a carer once whether a child is missing. After a second such text
    somebody is asked to ring.
    """
    named = context.kind not in ASKED_WHETHER or context.open or any(each.latest.open for each in context.provisionals)
    if context.asks_whether and context.question is not None and not context.question.called:
        return replace(ask_to_ring(decision, "still-unclear"), answer=Answer.KEPT, called=True)
    if named or context.asks_whether:
        return replace(decision, answer=Answer.KEPT)
    return replace(decision, answer=Answer.HUMAN, question=Question("whether", decision.acts[0].subject))


def ask_to_ring(decision: Decision, reason: HumanReason) -> Decision:
    """Whoever is asked to read it is asked to ring."""
    acts = [
        replace(act, content=act.content.model_copy(update={"reason": reason}))
        if isinstance(act.content, TextNeedsHuman)
        else act
        for act in decision.acts
    ]
    return replace(decision, acts=tuple(acts))


def also_escalate(decision: Decision, context: TextContext, reason: HumanReason) -> Decision:
    """Has a person read the text as well, unless one does already."""
    if any(isinstance(act.content, TextNeedsHuman) for act in decision.acts):
        return decision
    if not decision.acts:
        return replace(decision, acts=escalate(context, reason).acts)
    told: dict[str, Act] = {}
    for act in decision.acts:
        authority = getattr(act.content, "authority", context.authority)
        side = replace(context, authority=authority, person=context.person_in(authority))
        told.setdefault(authority, request_person(side, reason, act.subject))
    return replace(decision, acts=(*decision.acts, *told.values()))


def put_danger_first(decision: Decision, context: TextContext) -> Decision:
    """999 now, before all else, and a person is called. What it reports is reported, and nothing is claimed."""
    kept = tuple(act for act in decision.acts if not isinstance(act.content, NOT_IN_DANGER))
    about = {act.subject for act in kept} or {choose_subject(context)}
    asked = tuple(request_person(context, "in-danger", each) for each in sorted(about))
    return replace(decision, acts=(*kept, *asked), answer=Answer.DANGER, claims=())


NOT_IN_DANGER = TextNeedsHuman | ChildReturnClaimed | MissingRetractionClaimed


def request_identification(context: TextContext) -> Act:
    """Has a person find out which child a report is about, whether or not the reporter answers."""
    candidates = tuple(each.child for each in context.children)
    same, at = context.recent if context.recent is not None and context.recent[0] in candidates else (None, None)
    content = ChildProvisional(
        authority=context.authority,
        candidates=candidates,
        placement=context.placement,
        same_phone=same,
        same_phone_at=at,
    )
    return Act(context.provisional, content)


def choose_subject(context: TextContext) -> ChildId:
    """The only missing child, else the only child, else the unnamed child of the text."""
    if len(context.open) == 1:
        return context.open[0].child
    return context.children[0].child if len(context.children) == 1 else context.provisional


def refuse_enquiry(context: TextContext) -> Decision:
    """Tells nobody by text where a child is (S37). Each duty team hears of the enquiry, about no child by name."""
    teams = sides.list_teams(context)
    return Decision(tuple(tell(team.provisional, LocationEnquiryReceived, team) for team in teams), Answer.ENQUIRY)


SAYS_NOTHING_ELSE = frozenset({Intent.ACKNOWLEDGE, Intent.THANKS, Intent.UNCLEAR})
PLAIN = load_words("replies")["adds_nothing_to_an_identity"]
QUESTION = re.compile(r"\bis (?:it|this|that|he|she|the)\b")


def identify_child(
    telling: Telling, codes: child_names.NamedChildren, meaning: Meaning, context: TextContext
) -> Decision:
    """`codes`: children that the text names by their own codes. `context`: the context for the telling's authority."""
    told = [each for each in codes.children if context.child_by_id(each).authority == telling.authority]
    alone = len(told) == len(codes.children) == 1 and not codes.alike and not codes.somebody_else
    if not alone or not _is_plain(meaning, context):
        answer = Answer.NO_SUCH_CODE if codes.somebody_else else Answer.NOT_IDENTIFIED
        return Decision((request_person(context, "which-child", telling.child),), answer)
    child = context.child_by_id(told[0])
    return Decision(
        (tell(telling.child, ChildIdentified, context, child=child.child),),
        Answer.IDENTIFIED,
        identified=((telling.child, child.child),),
        coded=child.code,
    )


def _is_plain(meaning: Meaning, context: TextContext) -> bool:
    if (
        context.asks
        or meaning.doubtful
        or not set(meaning.intents) <= SAYS_NOTHING_ELSE
        or QUESTION.search(meaning.words)
    ):
        return False
    codes = {each.lower() for each in meaning.codes}
    said = {each for each in meaning.words.split() if each not in codes and not child_names.NUMBER_OF_CODE.match(each)}
    return said <= PLAIN
