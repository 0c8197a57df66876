"""Duty staff and other professionals of the child text.

The code says which child they mean, and of which episode they speak. It may lie in a phone for a year: what would end or change
an episode counts for the one that they were told of, while that is the open one, and else a person reads it.
"""

import re
from typing import Literal

from services.carers.policy import enquiring, human, unnamed
from services.carers.policy.one_child import told_of
from services.carers.policy.scene import Act, Answer, Child, Decision, Scene, Standing, Telling
from services.carers.understanding.declining import declines
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.safeguarding.outcomes import DutyAcknowledged

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


def decide(meaning: Meaning, scene: Scene) -> Decision:
    """A code says which child they mean. Without one, only a report goes out by itself; a person reads the rest."""
    if scene.telling is not None:
        return _about(scene.telling, meaning, scene)
    said = [intent for intent in meaning.intents if intent in SAID_OF_A_CHILD]
    acknowledges = Intent.ACKNOWLEDGE in meaning.intents and meaning.asks_only
    if acknowledges or meaning.intents == (Intent.THANKS,):
        return Decision(answer=Answer.CODE_UNKNOWN)
    if set(said) & REPORTS:
        return unnamed.told(tuple(said), scene)
    if not said and Intent.STATUS in meaning.intents and meaning.asks_only:
        return Decision(answer=Answer.STATUS_BY_CODE)
    if not said and meaning.enquiry == "where":
        return enquiring.refused(scene)
    return human.to_human(scene, "asked-for-human" if Intent.HELP in meaning.intents else "not-understood")


def leaves_it(meaning: Meaning) -> bool:
    """The code stands there, and does not say that they have it: they ask something, or cannot take it."""
    intents = set(meaning.intents)
    asks = Intent.ACKNOWLEDGE not in intents and bool(intents) and intents <= ASKS
    return (asks and meaning.asks_only) or declines(meaning.words)


def _about(telling: Telling, meaning: Meaning, scene: Scene) -> Decision:
    """Of the telling whose code stands in the text."""
    child = Child(telling.child, "", standing=Standing("missing"), episode=telling.episode)
    counts = OF_THE_CHILD_ALL_THE_SAME if declines(meaning.words) else SAID_OF_A_CHILD
    said = [intent for intent in meaning.intents if intent in counts]
    if declines(meaning.words) and not OF_THE_CHILD.search(meaning.words):
        said = [intent for intent in said if intent not in REPORTS]
    if telling.open and all(each.weak for each in meaning.said if each.intent in REPORTS):
        said = [intent for intent in said if intent not in REPORTS]
    if telling.open and Intent.LOCATED in said:
        said = [intent for intent in said if intent is not Intent.NOT_BACK]
    told = [intent for intent in said if intent is not Intent.REFERENCE or meaning.reference]
    parts = [told_of(child, intent, scene) for intent in told if _still_counts(intent, telling)]
    if any(not _still_counts(intent, telling) for intent in told):
        parts.append(Decision((human.needed(scene, "not-understood", telling.child),), Answer.HUMAN))
    if not said and not declines(meaning.words) and not meaning.asks_only and OF_THE_CHILD.search(meaning.words):
        parts.append(told_of(child, Intent.UNCLEAR, scene))
    if not leaves_it(meaning):
        # Whoever has police's reference has rung them, and in the place of police only that is an answer.
        parts.append(acknowledged(telling, "phoned" if meaning.reference else "text"))
    elif not parts:
        parts.append(_left(telling, meaning, scene))
    if meaning.enquiry == "where":
        parts.append(enquiring.refused(scene))
    return unnamed.together(parts)


def _still_counts(intent: Intent, telling: Telling) -> bool:
    """A return said a second time changes nothing, and nobody need read it."""
    again = intent is Intent.BACK and telling.of_latest and telling.standing.state == "returned"
    return intent not in OF_THE_EPISODE or telling.open or again


def _left(telling: Telling, meaning: Meaning, scene: Scene) -> Decision:
    if Intent.STATUS in meaning.intents and not declines(meaning.words):
        asked = Answer.STATUS_BY_CODE if telling.exercise else Answer.STATUS_TO_STAFF
        return Decision(answer=asked, standing=telling.standing)
    if meaning.enquiry == "where":
        return enquiring.refused(scene)
    reason: human.Reason = "asked-for-human" if Intent.HELP in meaning.intents else "not-understood"
    return Decision((human.needed(scene, reason, telling.child),), Answer.HUMAN)
