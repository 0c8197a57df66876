"""Decides about the texts of a carer or residential worker, who may report on their own children only."""

from collections.abc import Sequence
from dataclasses import replace

from services.carers.policy import echo
from services.carers.policy.consequences import escalation, unnamed_child
from services.carers.policy.consequences.unnamed_child import decide_for_child
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Answer, Decision, combine_decisions, tell
from services.carers.policy.mentions import sides, unread
from services.carers.policy.mentions.child_mentions import STANDS_DOWN, ChildMentions, resolve_mentions
from services.carers.understanding import child_names, replies
from services.carers.understanding.languages.lexicon import load_words
from services.carers.understanding.meaning import REPORTS, Intent, Meaning, Statement
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import (
    ChildReportedMissing,
    ChildReturnClaimed,
    ChildReturned,
    MissingRetractionClaimed,
    ReportRetracted,
)
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import ChildId

REPLIES_AN_HOUR = 20
"""Beyond this only a report or a return is answered, since two machines may be answering each other."""
TO_STAFF_AN_HOUR = 120
"""A night with several children missing takes a duty worker far more than twenty answers."""
URGENT = ChildReportedMissing | ChildReturnClaimed | ChildReturned | MissingRetractionClaimed | ReportRetracted
ABOUT_A_CODE = frozenset({Answer.CODES_HELD, Answer.CODE_WRONG, Answer.CONFIRM_PLAINLY, Answer.BACK_ALREADY})
"""Whoever sends a code back waits for what became of it."""
REFERENCE_ALONE = load_words("replies")["adds_nothing_to_a_reference"]
SAID_IN_PASSING = STANDS_DOWN | {Intent.UNCLEAR}
UNANSWERED = frozenset({None, Answer.INFORMATION, Answer.HUMAN, Answer.KEPT, Answer.STATUS_NOTHING_OPEN})
MANY = 3
SAME = frozenset({"same", "same child", "yr un", "yr un plentyn"})
NO_NEWS_OF_ITS_OWN = frozenset({*REPORTS, Intent.THANKS, Intent.UNCLEAR})


def decide(meaning: Meaning, context: TextContext) -> Decision:
    if context.asks_whether and replies.says_no(meaning.words):
        return within_limits(Decision(answer=Answer.NONE_MISSING), context)
    if context.asks_whether and replies.says_yes(meaning.words, _list_words(context)):
        meaning = replace(meaning, said=(Statement(Intent.MISSING, meaning.words),))
    meaning = unread.report_unread(meaning, context)
    found = resolve_mentions(meaning, context)
    if (same := _say_same(meaning, context)) is not None:
        return within_limits(same, context)
    decision = _answer_question(meaning, found, context) or _decide_same_of_others(meaning, context)
    decision = decision or _decide_told(meaning, found, context)
    decision = decision or _meant_to_confirm(meaning, context) or _answer_request(meaning, context)
    reported_too = found.somebody_else and any(REPORTS & set(intents) for intents in found.about.values())
    if meaning.doubtful or found.doubtful or reported_too:
        decision = escalation.also_escalate(decision, context, "not-understood")
    if meaning.wants_person and decision.answer is not Answer.STATUS:
        answer = Answer.ASKED_PERSON if decision.answer in UNANSWERED else decision.answer
        decision = replace(escalation.also_escalate(decision, context, "asked-for-human"), answer=answer)
    return within_limits(decision, context)


def within_limits(decision: Decision, context: TextContext) -> Decision:
    """Drops the reply beyond the limit. The acts stay. The last one says so, and somebody is asked to ring."""
    on_duty = context.kind == "staff" or any(each.professional for each in context.capacities)
    left = (TO_STAFF_AN_HOUR if on_duty else REPLIES_AN_HOUR) - context.replies_this_hour
    urgent = _is_urgent(decision) or _is_taken(decision, context)
    if left == 1 and decision.answer is not None:
        read = escalation.ask_to_ring(escalation.also_escalate(decision, context, "replies-spent"), "replies-spent")
        return replace(
            read,
            last=True,
            answer=decision.answer if urgent else Answer.LAST_ANSWER,
            question=decision.question if urgent else None,
        )
    return decision if urgent or left > 0 else replace(decision, answer=None, question=None)


def _answer_question(meaning: Meaning, found: ChildMentions, context: TextContext) -> Decision | None:
    """Completes what "which child?" was asked about. A text with other news leaves the question open."""
    question = context.question
    if question is None or question.about == "whether" or not set(meaning.intents) <= NO_NEWS_OF_ITS_OWN:
        return None
    if question.about != "report" and REPORTS & set(meaning.intents):
        return None
    children = found.named or child_names.find_answered(meaning.words, context.children)
    if question.about == "report" and sides.says_all_of_two(meaning, context):
        children = tuple(each.child for each in context.children)
    if not children and question.about == "report" and found.somebody_else and replies.is_only_codes(meaning.words):
        asked = escalation.request_person(context, "which-child", question.provisional)
        return Decision((asked,), Answer.MISSING_OTHER_CODE)
    if not children:
        return None
    if question.about == "report":
        return _identify_reports(question.provisional, children, context)
    intent = {"return": Intent.BACK, "information": Intent.UNCLEAR}[question.about]
    completed = combine_decisions([_decide_told_of(child, intent, context) for child in children])
    if completed.answer in {Answer.HUMAN, Answer.KEPT}:  # no report is open that the answer could be added to
        completed = replace(completed, answer=Answer.ACKNOWLEDGED, question=None)
    return replace(completed, answered=True)


def _say_same(meaning: Meaning, context: TextContext) -> Decision | None:
    """SAME: the one report without a name is of the one child, sought now, about whom this number texted before it."""
    nameless = [each for each in context.provisionals if each.child is None]
    if meaning.words.strip() not in SAME or context.asks or len(nameless) != 1 or context.recent is None:
        return None
    return _identify_reports(nameless[0].provisional, (context.recent[0],), context)


def _identify_reports(asked_of: ChildId, children: Sequence[ChildId], context: TextContext) -> Decision:
    """Each report without a name goes on as that of the first child it may be about; every other child has a report of
    its own. A report that fits none of them stands, and a person finds out.
    """
    begun = sides.find_reports(context, asked_of)
    told = combine_decisions(
        [decide_for_child(context.child_by_id(child), Intent.MISSING, context) for child in children]
    )
    identified: dict[ChildId, ChildId] = {}
    for child in children:
        report = sides.choose_report(context.child_by_id(child), begun, asked_of)
        if report is not None:
            identified.setdefault(report, child)
    acts = [
        tell(report, ChildIdentified, context.for_subject(child), child=child) for report, child in identified.items()
    ]
    acts += [act for act in told.acts if act.subject not in identified.values()]
    for each in begun:
        if each.provisional in identified:
            acts += decide_for_child(context.child_of_report(each), Intent.UNCLEAR, context).acts
        else:
            acts.append(escalation.request_person(context, "which-child", each.provisional))
    answer = Answer.MISSING_NAMED if identified else told.answer
    return replace(told, acts=tuple(acts), answer=answer, answered=True, identified=tuple(identified.items()))


def _decide_same_of_others(meaning: Meaning, context: TextContext) -> Decision | None:
    """Takes "the other one too" for a report of the other one, and asks who it is where the words leave that open."""
    if not sides.speaks_of_others(meaning, context):
        return None
    named = sides.find_unmissed(meaning, context)
    if also := sides.find_also_missing(meaning, named, context):
        return combine_decisions(
            [decide_for_child(context.child_by_id(each), Intent.MISSING, context) for each in also]
        )
    if not named:
        return unnamed_child.decide_unnamed((Intent.UNCLEAR,), context)
    return combine_decisions([_decide_told_of(child, Intent.UNCLEAR, context) for child in named])


def _decide_told(meaning: Meaning, found: ChildMentions, context: TextContext) -> Decision | None:
    """None where the text says nothing about a child."""
    if Intent.REFERENCE in meaning.intents and not meaning.reference:
        return _ask_for_reference(meaning, context)
    parts = [
        _decide_told_of(child, intent, context)
        for child, intents in found.about.items()
        for intent in intents
        if intent not in SAID_IN_PASSING or not _only_at_home(child, found, context)
    ]
    if len(found.about) >= MANY and not context.open and not context.provisionals and _all_are_home(found, context):
        return escalation.escalate(context, "not-understood")
    if found.nobody:
        parts.append(_decide_unnamed(meaning, found, context))
    parts += [
        unnamed_child.decide_unnamed(intents, sides.limit_to_children(context, several))
        for several, intents in found.either.items()
    ]
    if not parts:
        return None
    decision = _ask_for_names(combine_decisions(parts), context)
    if decision.answer is Answer.INFORMATION and Intent.FALSE_ALARM in meaning.intents:
        decision = replace(decision, answer=Answer.SAY_FALSE_ALARM)
    nameless = {each.provisional for each in context.provisionals if each.child is None}
    back = {act.subject for act in decision.acts if isinstance(act.content, ChildReturnClaimed)}
    return _ask_about_nameless(decision, context, nameless) if nameless and back - nameless else decision


def _decide_unnamed(meaning: Meaning, found: ChildMentions, context: TextContext) -> Decision:
    if replies.begins_with_not_back(meaning.words) and context.open and not found.another:
        return combine_decisions([decide_for_child(each, Intent.NOT_BACK, context) for each in context.open])
    codes = set(child_names.CODE.findall(meaning.words))
    if found.somebody_else and codes and context.children and set(found.nobody) & REPORTS:
        of_another = len(codes) > 1 or sides.says_too(meaning)
        return unnamed_child.report_by_other_code(found.nobody, context, of_another=of_another)
    order = {child: place for place, child in enumerate(found.likeliest)}
    ordered = sorted(context.children, key=lambda each: order[each.child])
    context = replace(context, children=tuple(ordered))
    return unnamed_child.decide_unnamed(found.nobody, context, of_another=found.another)


def _ask_for_names(decision: Decision, context: TextContext) -> Decision:
    """A reply holds at most three codes: beyond that the sender is asked to name those who are back."""
    if all(len(claim.about) <= unnamed_child.CODES_IN_ONE_TEXT for claim in decision.claims):
        return decision
    kept = tuple(
        act for act in decision.acts if not isinstance(act.content, ChildReturnClaimed | MissingRetractionClaimed)
    )
    missing = any(isinstance(act.content, ChildReportedMissing) for act in kept)
    return replace(
        decision,
        acts=(*kept, *escalation.request_each_team(context, "which-child")),
        claims=(),
        answer=decision.answer if missing else Answer.BACK_WHICH,
        ended=(),
    )


def _decide_told_of(child: ChildId, intent: Intent, context: TextContext) -> Decision:
    """A person reads an unclear statement about a child that nobody misses."""
    of = context.child_by_id(child)
    if intent is Intent.UNCLEAR and not of.standing.open:
        return escalation.ask_once(
            Decision((escalation.request_person(context, "not-understood", child),), about=(child,)), context
        )
    return decide_for_child(of, intent, context)


def _only_at_home(child: ChildId, found: ChildMentions, context: TextContext) -> bool:
    """Whether the child is only said to be at home, while another is missing or back."""
    others = {other: intents for other, intents in found.about.items() if other != child}
    missing = any(REPORTS & set(intents) for intents in (*others.values(), found.nobody))
    back = any(
        STANDS_DOWN & set(intents) and context.child_by_id(other).standing.open for other, intents in others.items()
    )
    return (missing or back) and context.child_by_id(child).standing.state is None and not context.provisionals


def _all_are_home(found: ChildMentions, context: TextContext) -> bool:
    """Whether the text is a night report: every child is at home."""
    return len(found.about) == len(context.children) and all(
        intents == (Intent.BACK,) for intents in found.about.values()
    )


def _ask_for_reference(meaning: Meaning, context: TextContext) -> Decision:
    """Asks for the number again. A person reads any other words beside REF."""
    asked = Decision(answer=Answer.REFERENCE_WITHOUT_NUMBER)
    alone = set(meaning.words.split()) <= REFERENCE_ALONE
    return asked if alone else escalation.also_escalate(asked, context, "not-understood")


def _ask_about_nameless(decision: Decision, context: TextContext, nameless: set[ChildId]) -> Decision:
    """A child is back while a report without a name is open: a person finds out whether it was this child's."""
    acts = tuple(escalation.request_person(context, "which-child", subject) for subject in sorted(nameless))
    return replace(decision, acts=(*decision.acts, *acts))


def _answer_request(meaning: Meaning, context: TextContext) -> Decision:
    """Answers a question or a request. A person reads everything else."""
    intents = set(meaning.intents)
    if meaning.enquiry == "where" and _is_enquiry(meaning.words, context):
        return escalation.refuse_enquiry(context)
    if Intent.STATUS in intents or (Intent.ENQUIRY in intents and context.open):
        acts = () if meaning.asks_only else _keep_information(context).acts
        return replace(_answer_status(context), acts=acts)
    if Intent.HELP in intents:
        return escalation.escalate(context, "asked-for-human", Answer.ASKED_PERSON)
    if intents == {Intent.THANKS} and not context.pictures:
        return Decision()
    if len(context.open) == 1 and meaning.words and intents & {Intent.UNCLEAR, Intent.THANKS, Intent.ACKNOWLEDGE}:
        return _keep_information(context)
    return escalation.escalate(context, "picture-only" if context.pictures and not meaning.words else "not-understood")


def _meant_to_confirm(meaning: Meaning, context: TextContext) -> Decision | None:
    """The words can only be meant to confirm something, but hold no code of ours."""
    meant_so = Intent.UNCLEAR in meaning.intents and replies.seems_meant(meaning.words)
    return escalation.escalate(context, "code-not-valid") if meant_so else None


def _keep_information(context: TextContext) -> Decision:
    """Keeps the words as information about the only missing child; without one a person reads them."""
    if len(context.open) == 1:
        return decide_for_child(context.open[0], Intent.UNCLEAR, context)
    return escalation.escalate(context, "not-understood")


def _is_enquiry(words: str, context: TextContext) -> bool:
    """Whether it asks where a child lives. While a child is missing, "where is she?" asks about the search instead."""
    return replies.asks_for_residence(words) or (not context.open and replies.asks_for_a_child(words))


def _answer_status(context: TextContext) -> Decision:
    """A line for each child, and for the sender's own report without a name."""
    lines = echo.list_lines(context)
    if not any(line.standing for line in lines):
        return Decision(answer=Answer.STATUS_NOTHING_OPEN)
    return Decision(answer=Answer.STATUS, lines=lines)


def _list_words(context: TextContext) -> set[str]:
    return {word for each in context.children for word in child_names.list_words(each)}


def _is_urgent(decision: Decision) -> bool:
    if decision.answer in ABOUT_A_CODE:
        return True
    return decision.wrong_code or bool(decision.claims) or any(isinstance(act.content, URGENT) for act in decision.acts)


def _is_taken(decision: Decision, context: TextContext) -> bool:
    """Whether it takes a duty, or says so: the phone on file hears of it however much was texted in its name. Of
    several texts within seconds the first counts, since two machines may answer each other.
    """
    told = (context.telling, *context.unanswered)
    heard = {(each.duty, each.step) for each in told if each is not None and each.just_texted}
    answered = [act.content for act in decision.acts if isinstance(act.content, DutyAcknowledged)]
    return any((each.duty, each.step) not in heard for each in answered)
