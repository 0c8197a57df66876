"""Duty staff and other professionals of the child text.

The code says which child they mean, and of which episode they speak. It may lie in a phone for a year: what would end or change
an episode counts for the one that they were told of, while that is the open one, and else a person reads it.
"""

import re
from dataclasses import replace
from typing import Literal

from services.carers.policy import enquiry, human, identification, unnamed, whose
from services.carers.policy.answer import Answer
from services.carers.policy.child_mentions import ChildMentions, resolve_mentions
from services.carers.policy.one_child import decide_for_child
from services.carers.policy.scene import Act, Child, Decision, Standing, Telling, TextContext
from services.carers.understanding import whom
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.carers.understanding.refusal import declines
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.identifiers import is_provisional

SAID_OF_A_CHILD = (
    *REPORTS, Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.REFERENCE,
)  # fmt: skip
OF_THE_CHILD_ALL_THE_SAME = frozenset({*REPORTS, Intent.LURE})
"""In the text of somebody who cannot take it "wrong person" is no false alarm, and nothing else is stood down by it."""
OF_THE_EPISODE = frozenset(
    {Intent.BACK, Intent.FALSE_ALARM, Intent.LOCATED, Intent.SEEN, Intent.CONTACT, Intent.REFERENCE}
)
OF_THE_CHILD = re.compile(
    r"\b(?:he|she|her|him|his|hers|hes|shes|child|girl|boy|lad|lass|teen|yp|missing|home|returned|located|found)\b"
)
"""Without such a word a text of somebody on duty says what they will do."""
ASKS = frozenset({Intent.STATUS, Intent.ENQUIRY, Intent.HELP})


def acknowledged(telling: Telling, how: Literal["text", "phoned"] = "text") -> Decision:
    content = DutyAcknowledged(
        duty=telling.duty,
        step=telling.step,
        authority=telling.authority,
        episode=telling.episode,
        by=telling.person,
        how=how,
    )
    return Decision((Act(telling.child, content),), Answer.ACKNOWLEDGED)


def decide(meaning: Meaning, scene: TextContext) -> Decision:
    """The code of a telling, or a child's own, says which child they mean. Without either only a report goes out by itself, and a
    person reads the rest.
    """
    if scene.telling is not None:
        return _about(scene.telling, meaning, scene)
    found = resolve_mentions(meaning, scene)
    if found.about or found.either:
        return _by_code(found, meaning, scene)
    if set(found.nobody) & REPORTS:
        unknown = Answer.MISSING_NO_SUCH_CODE if found.somebody_else else Answer.MISSING_WITHOUT_CODE
        return replace(unnamed.decide_unnamed(found.nobody, scene), answer=unknown)
    return _asked(found, meaning, scene)


def _asked(found: ChildMentions, meaning: Meaning, scene: TextContext) -> Decision:
    """Nothing that is reported of a child: a person reads what a machine does not answer."""
    acknowledges = Intent.ACKNOWLEDGE in meaning.intents and meaning.asks_only
    if acknowledges or meaning.intents == (Intent.THANKS,):
        return Decision(answer=Answer.CODE_UNKNOWN)
    if not found.nobody and Intent.STATUS in meaning.intents and meaning.asks_only:
        return Decision(answer=Answer.STATUS_BY_CODE)
    if not found.nobody and meaning.enquiry == "where":
        return enquiry.refused(scene)
    decision = human.to_human(scene, "asked-for-human" if Intent.HELP in meaning.intents else "not-understood")
    return replace(decision, answer=Answer.NO_SUCH_CODE) if found.somebody_else else decision


def _by_code(found: ChildMentions, meaning: Meaning, scene: TextContext) -> Decision:
    """Of the children whom the text names by their own codes."""
    parts = []
    for child, intents in found.about.items():
        parts += [_of_child(scene.by_id(child), intent, scene) for intent in intents if _is_told(intent, meaning)]
    parts += [unnamed.decide_unnamed(intents, whose.among(scene, several)) for several, intents in found.either.items()]
    unclear = [] if set(found.nobody) & REPORTS else found.nobody
    if set(found.nobody) & REPORTS:
        parts.append(replace(unnamed.decide_unnamed(found.nobody, scene), answer=Answer.MISSING_NO_SUCH_CODE))
    if not parts or unclear or found.somebody_else or found.doubtful or meaning.doubtful:
        subject = next(iter(found.about), None)
        parts.append(Decision((human.needed(scene, "not-understood", subject),), Answer.HUMAN))
    if meaning.enquiry == "where":
        parts.append(enquiry.refused(scene))
    return unnamed.together(parts)


def _of_child(child: Child, intent: Intent, scene: TextContext) -> Decision:
    told = decide_for_child(child, intent, scene)
    if told.answer not in {Answer.MISSING, Answer.MISSING_AGAIN} or child.names:
        return told
    by_code = Answer.MISSING_BY_CODE if child.placement else Answer.MISSING_NO_FORCE
    return replace(told, answer=by_code, coded=child.code)


def _is_told(intent: Intent, meaning: Meaning) -> bool:
    return intent is not Intent.REFERENCE or meaning.reference


def is_told_of(telling: Telling, scene: TextContext) -> bool:
    """Whether a carer was told of the child as another authority's professional: there, they answer as one."""
    there = any(each.professional and each.authority == telling.authority for each in scene.capacities)
    return there and telling.child not in {each.child for each in scene.children}


def leaves_it(meaning: Meaning) -> bool:
    """The code stands there, and does not say that they have it: they ask something, or cannot take it."""
    intents = set(meaning.intents)
    asks = Intent.ACKNOWLEDGE not in intents and bool(intents) and intents <= ASKS
    return (asks and meaning.asks_only) or declines(meaning.words)


def _about(telling: Telling, meaning: Meaning, scene: TextContext) -> Decision:
    """Of the telling whose code stands in the text."""
    of_telling = replace(
        scene, authority=telling.authority, person=telling.person or scene.person_in(telling.authority)
    )
    child = Child(telling.child, "", standing=Standing("missing"), episode=telling.episode)
    counts = OF_THE_CHILD_ALL_THE_SAME if declines(meaning.words) else SAID_OF_A_CHILD
    said = [intent for intent in meaning.intents if intent in counts]
    if declines(meaning.words) and not OF_THE_CHILD.search(meaning.words):
        said = []
    if telling.open:
        said = _without_what_is_known(said, meaning)
    told = [intent for intent in said if _is_told(intent, meaning)]
    another = _of_another(telling, meaning, of_telling)
    if another is not None:
        parts, told = [another], []
    else:
        parts = [decide_for_child(child, intent, of_telling) for intent in told if _still_counts(intent, telling)]
        parts += _kept(child, said, meaning, of_telling)
    if any(not _still_counts(intent, telling) for intent in told):
        parts.append(Decision((human.needed(of_telling, "not-understood", telling.child),), Answer.HUMAN))
    if not leaves_it(meaning):
        # Whoever has police's reference has rung them, and in the place of police only that is an answer.
        parts.append(acknowledged(telling, "phoned" if meaning.reference else "text"))
    elif not parts:
        parts.append(_left(telling, meaning, of_telling))
    if meaning.enquiry == "where":
        parts.append(enquiry.refused(of_telling))
    return unnamed.together(parts)


def _of_another(telling: Telling, meaning: Meaning, scene: TextContext) -> Decision | None:
    """Beside the telling's code a child's own stands in the text: who the telling's child is, or another child. None: neither."""
    codes = whom.named(meaning.words, [whom.Known(each.child, each.code) for each in scene.known])
    if not {*codes.children, *codes.alike} - {telling.child} and not codes.somebody_else:
        return None
    found = resolve_mentions(meaning, scene)
    reports = any(REPORTS & set(intents) for intents in (*found.about.values(), *found.either.values(), found.nobody))
    if is_provisional(telling.child) and not reports:
        return identification.decide(telling, codes, meaning, scene)
    read = Decision((human.needed(scene, "which-child", telling.child),), Answer.HUMAN)
    return unnamed.together([_by_code(found, meaning, scene), read]) if reports else read


def _without_what_is_known(said: list[Intent], meaning: Meaning) -> list[Intent]:
    """Of a child that is missing: what others tell is no report of its own, and found is not home yet."""
    if all(each.weak for each in meaning.said if each.intent in REPORTS):
        said = [intent for intent in said if intent not in REPORTS]
    return [intent for intent in said if intent is not Intent.NOT_BACK or Intent.LOCATED not in said]


def _kept(child: Child, said: list[Intent], meaning: Meaning, scene: TextContext) -> list[Decision]:
    """What else they know of the child."""
    if said or declines(meaning.words) or meaning.asks_only or not OF_THE_CHILD.search(meaning.words):
        return []
    return [decide_for_child(child, Intent.UNCLEAR, scene)]


def _still_counts(intent: Intent, telling: Telling) -> bool:
    """A return said a second time changes nothing, and nobody need read it."""
    again = intent is Intent.BACK and telling.of_latest and telling.standing.state == "returned"
    return intent not in OF_THE_EPISODE or telling.open or again


def _left(telling: Telling, meaning: Meaning, scene: TextContext) -> Decision:
    if Intent.STATUS in meaning.intents and not declines(meaning.words):
        asked = Answer.STATUS_BY_CODE if telling.exercise else Answer.STATUS_TO_STAFF
        return Decision(answer=asked, standing=telling.standing)
    if meaning.enquiry == "where":
        return enquiry.refused(scene)
    reason: human.Reason = "asked-for-human" if Intent.HELP in meaning.intents else "not-understood"
    return Decision((human.needed(scene, reason, telling.child),), Answer.HUMAN)
