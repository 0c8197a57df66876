"""Decides about the texts of duty staff and other professionals.

The code of a telling names child and episode, and may lie in a phone for a year. A statement that would end or change
an episode counts while the episode of the telling is the open one; later a person reads it.
"""

import re
from dataclasses import replace
from typing import Literal

from services.carers.policy.consequences import acknowledgement, escalation, unnamed_child
from services.carers.policy.consequences.unnamed_child import decide_for_child
from services.carers.policy.context import Child, Telling, TextContext
from services.carers.policy.decision import Answer, Decision, StatusLine, combine_decisions
from services.carers.policy.mentions import sides
from services.carers.policy.mentions.child_mentions import ChildMentions, resolve_mentions
from services.carers.understanding import child_names, replies
from services.carers.understanding.languages.lexicon import load_patterns
from services.carers.understanding.meaning import REPORTS, Intent, Meaning, Statement
from services.safeguarding.child_events.events import HumanReason
from services.safeguarding.identifiers import is_provisional

PATTERNS = load_patterns("replies")
CHILD_TOLD_OF = frozenset({"he", "she", "they", "hi", "e", "o", "fe", "fo", "nhw"})
REFUSES_ONE = re.compile(r"no \w+")
SAID_OF_A_CHILD = (
    *REPORTS, Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.REFERENCE,
)  # fmt: skip
OF_THE_CHILD_ALL_THE_SAME = frozenset({*REPORTS, Intent.LURE})
"""Counts also in a refusal, where "wrong person" is no false alarm."""
OF_THE_EPISODE = frozenset(
    {Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.REFERENCE}
)
ASKS = frozenset({Intent.STATUS, Intent.ENQUIRY, Intent.HELP})


def acknowledge_telling(telling: Telling, how: Literal["text", "phoned"] = "text") -> Decision:
    answer = Answer.ACKNOWLEDGED_TO_RECORD if telling.deed else Answer.ACKNOWLEDGED
    return Decision((acknowledgement.acknowledge(telling, how),), answer)


def decide(meaning: Meaning, context: TextContext) -> Decision:
    """Each text asks staff "have it?", so that "no C25" refuses. Of a carer it reports that C25 is not there."""
    dropped = [each for each in meaning.said if _may_refuse(each, context)]
    kept = tuple(each for each in meaning.said if each not in dropped)
    decided = _decide(replace(meaning, said=kept), context)
    doubtful = any(replies.denies(each.words.removeprefix("still ")) for each in dropped)
    return escalation.also_escalate(decided, context, "not-understood") if doubtful else decided


def _may_refuse(said: Statement, context: TextContext) -> bool:
    """Also "no problem", which names no child either."""
    if not said.if_named or said.intent is not Intent.NOT_BACK:
        return False
    named = child_names.find_named(said.words, context.coded_only)
    return REFUSES_ONE.fullmatch(said.words) is not None or not (named.children or named.left_out or named.alike)


def refuses_what_they_were_told(meaning: Meaning, context: TextContext) -> bool:
    """Whether a carer, who is on duty as well, refuses what they were told about a child that is not theirs."""
    named = set(child_names.find_named(meaning.words, context.coded_only).children)
    return replies.declines(meaning.words) and bool(named) and not named & {each.child for each in context.children}


def _decide(meaning: Meaning, context: TextContext) -> Decision:
    """A telling's code, or a child's own, names the child. Without, a report goes out, and a person reads the rest."""
    if context.telling is not None:
        return _decide_about_telling(context.telling, meaning, context)
    if (taken := decide_on_ok(meaning, context)) is not None:
        return taken
    found = resolve_mentions(meaning, context)
    if found.about or found.either:
        return _decide_by_code(found, meaning, context)
    if set(found.nobody) & REPORTS:
        unknown = Answer.MISSING_NO_SUCH_CODE if found.somebody_else else Answer.MISSING_WITHOUT_CODE
        return replace(unnamed_child.decide_unnamed(found.nobody, context), answer=unknown)
    return _answer_request(found, meaning, context)


def decide_on_ok(meaning: Meaning, context: TextContext) -> Decision | None:
    """None where it is no OK, or may be none: who is asked again loses nothing. What else the text says of a child that
    it names is decided as ever.
    """
    meant = None if leaves_duty(meaning) else acknowledgement.find_meant(meaning, context)
    if meant is None:
        return None
    taken = acknowledgement.acknowledge_all(meant, meaning, context)
    if acknowledgement.says_no_more(meaning, context):
        return taken
    if context.asks or replies.may_take_back(meaning.words):
        return None
    return combine_decisions([_decide_by_code(resolve_mentions(meaning, context), meaning, context), taken])


def _answer_request(found: ChildMentions, meaning: Meaning, context: TextContext) -> Decision:
    """No statement about a child: answers a question, else a person reads the text."""
    if replies.declines(meaning.words) and not found.somebody_else:
        return _decline(meaning, context)
    acknowledges = Intent.ACKNOWLEDGE in meaning.intents and meaning.asks_only
    if acknowledges or meaning.intents == (Intent.THANKS,):
        return Decision(answer=Answer.CODE_UNKNOWN)
    asks_how_it_stands = Intent.STATUS in meaning.intents and meaning.asks_only
    if asks_how_it_stands and found.named and not found.nobody:
        lines = [StatusLine((each.code,), each.standing) for each in map(context.child_by_id, found.named)]
        return Decision(answer=Answer.STATUS_OF_CHILD, about=found.named, lines=tuple(lines))
    if not found.nobody and (asks_how_it_stands or _asks_where_now(meaning, context)):
        return Decision(answer=Answer.STATUS_BY_CODE)
    if not found.nobody and meaning.enquiry == "where":
        return escalation.refuse_enquiry(context)
    reason: HumanReason = "asked-for-human" if Intent.HELP in meaning.intents else "not-understood"
    decision = escalation.escalate(
        context, reason, Answer.ASKED_PERSON if Intent.HELP in meaning.intents else Answer.KEPT
    )
    return replace(decision, answer=Answer.NO_SUCH_CODE) if found.somebody_else else decision


def _decline(meaning: Meaning, context: TextContext) -> Decision:
    """Nothing is acknowledged, so the next person is asked. A person reads the text, about the children it names."""
    named = child_names.find_named(meaning.words, context.coded_only)
    children = {context.child_by_id(each).authority: each for each in (*named.children, *named.alike)}
    if not children:
        return escalation.escalate(context, "not-understood", Answer.DECLINED)
    acts = tuple(escalation.request_person(context, "not-understood", each) for each in children.values())
    return Decision(acts, Answer.DECLINED)


def _decide_by_code(found: ChildMentions, meaning: Meaning, context: TextContext) -> Decision:
    """About the children that the text names by their own codes."""
    parts = []
    for child, intents in found.about.items():
        parts += [
            _decide_for_coded(context.child_by_id(child), intent, context)
            for intent in intents
            if _is_told(intent, meaning)
        ]
    parts += [
        unnamed_child.decide_unnamed(intents, sides.limit_to_children(context, several))
        for several, intents in found.either.items()
    ]
    unclear = [] if set(found.nobody) & REPORTS else found.nobody
    if set(found.nobody) & REPORTS:
        parts.append(replace(unnamed_child.decide_unnamed(found.nobody, context), answer=Answer.MISSING_NO_SUCH_CODE))
    if not parts or unclear or found.somebody_else or found.doubtful or meaning.doubtful:
        subject = next(iter(found.about), None)
        parts.append(Decision((escalation.request_person(context, "not-understood", subject),), Answer.KEPT))
    if meaning.enquiry == "where" and not _asks_where_now(meaning, context):
        parts.append(escalation.refuse_enquiry(context))
    return combine_decisions(parts)


def _asks_where_now(meaning: Meaning, context: TextContext) -> bool:
    """Whether it asks where the child is that they were told of, or that they name by code. That is no enquiry by an
    outsider, of which police and the duty team would have to hear. Where a child lives is one whoever asks.
    """
    codes = {each.lower() for each in meaning.codes}
    words = " ".join(each for each in meaning.words.split() if each not in codes)
    if not meaning.asks_only or replies.asks_for_residence(words) or not replies.asks_for_a_child(words):
        return False
    named = child_names.find_named(words, context.coded_only)
    return not named.somebody_else and (bool(named.children) or bool(CHILD_TOLD_OF & set(words.split())))


def _decide_for_coded(child: Child, intent: Intent, context: TextContext) -> Decision:
    told = decide_for_child(child, intent, context)
    if told.answer not in {Answer.MISSING, Answer.MISSING_AGAIN} or child.names:
        return told
    by_code = Answer.MISSING_BY_CODE if child.placement else Answer.MISSING_NO_FORCE
    return replace(told, answer=by_code, coded=child.code)


def _is_told(intent: Intent, meaning: Meaning) -> bool:
    return intent is not Intent.REFERENCE or meaning.reference


def is_told_of(telling: Telling, context: TextContext) -> bool:
    """Whether a carer was told as a professional of another authority. They then answer as one."""
    there = any(each.professional and each.authority == telling.authority for each in context.capacities)
    return there and telling.child not in {each.child for each in context.children}


def leaves_duty(meaning: Meaning) -> bool:
    """Whether the code acknowledges nothing: they only ask something, or cannot take the duty."""
    intents = set(meaning.intents)
    asks = Intent.ACKNOWLEDGE not in intents and bool(intents) and intents <= ASKS
    return (asks and meaning.asks_only) or replies.declines(meaning.words) or replies.denies(meaning.words)


def _decide_about_telling(telling: Telling, meaning: Meaning, context: TextContext) -> Decision:
    """About the telling whose code stands in the text."""
    of_telling = replace(
        context, authority=telling.authority, person=telling.person or context.person_in(telling.authority)
    )
    standing = replace(telling.standing, ends_on_word=False)
    child = Child(telling.child, "", standing=standing, episode=telling.episode)
    counts = OF_THE_CHILD_ALL_THE_SAME if replies.declines(meaning.words) else SAID_OF_A_CHILD
    said = [intent for intent in meaning.intents if intent in counts]
    if replies.declines(meaning.words) and not PATTERNS["of_the_child"].search(meaning.words):
        said = []
    if telling.open:
        said = _drop_known(said, meaning)
    told = [intent for intent in said if _is_told(intent, meaning)]
    another = _decide_about_another(telling, meaning, of_telling)
    if another is not None:
        parts, told = [another], []
    else:
        parts = [decide_for_child(child, intent, of_telling) for intent in told if _still_counts(intent, telling)]
        parts += _keep_information(child, said, meaning, of_telling)
    if any(not _still_counts(intent, telling) for intent in told):
        parts.append(Decision((escalation.request_person(of_telling, "not-understood", telling.child),), Answer.KEPT))
    if not leaves_duty(meaning):
        parts.append(acknowledgement.take_with_code(telling, meaning, context))
    elif not parts:
        parts.append(_answer_left_duty(telling, meaning, of_telling))
    if meaning.enquiry == "where" and not _asks_where_now(meaning, context):
        parts.append(escalation.refuse_enquiry(of_telling))
    return combine_decisions(parts)


def _decide_about_another(telling: Telling, meaning: Meaning, context: TextContext) -> Decision | None:
    """A child's own code beside that of the telling identifies its child, or means another child. None without one."""
    codes = child_names.find_named(meaning.words, context.coded_only)
    if not {*codes.children, *codes.alike} - {telling.child} and not codes.somebody_else:
        return None
    found = resolve_mentions(meaning, context)
    reports = any(REPORTS & set(intents) for intents in (*found.about.values(), *found.either.values(), found.nobody))
    if is_provisional(telling.child) and not reports:
        return escalation.identify_child(telling, codes, meaning, context)
    read = Decision((escalation.request_person(context, "which-child", telling.child),), Answer.KEPT)
    return combine_decisions([_decide_by_code(found, meaning, context), read]) if reports else read


def _drop_known(said: list[Intent], meaning: Meaning) -> list[Intent]:
    """About a missing child hearsay is no new report, and "not back" adds nothing to "found"."""
    if all(each.weak for each in meaning.said if each.intent in REPORTS):
        said = [intent for intent in said if intent not in REPORTS]
    return [intent for intent in said if intent is not Intent.NOT_BACK or Intent.LOCATED not in said]


def _keep_information(child: Child, said: list[Intent], meaning: Meaning, context: TextContext) -> list[Decision]:
    """Keeps what else they know about the child."""
    if (
        said
        or replies.declines(meaning.words)
        or meaning.asks_only
        or not PATTERNS["of_the_child"].search(meaning.words)
    ):
        return []
    return [decide_for_child(child, Intent.UNCLEAR, context)]


def _still_counts(intent: Intent, telling: Telling) -> bool:
    """Whether it counts today. A return said a second time does: it changes nothing, and nobody needs to read it."""
    again = intent is Intent.BACK and telling.of_latest and telling.standing.state == "returned"
    return intent not in OF_THE_EPISODE or telling.open or again


def _answer_left_duty(telling: Telling, meaning: Meaning, context: TextContext) -> Decision:
    asks = Intent.STATUS in meaning.intents or _asks_where_now(meaning, context)
    if asks and not replies.declines(meaning.words):
        asked = Answer.STATUS_BY_CODE if telling.exercise else Answer.STATUS_TO_STAFF
        named = telling.child_code or telling.code
        return Decision(answer=asked, lines=(StatusLine((named,), telling.standing),))
    if meaning.enquiry == "where":
        return escalation.refuse_enquiry(context)
    reason: HumanReason = "asked-for-human" if Intent.HELP in meaning.intents else "not-understood"
    answer = Answer.DECLINED if replies.declines(meaning.words) else Answer.KEPT
    return Decision((escalation.request_person(context, reason, telling.child),), answer)
