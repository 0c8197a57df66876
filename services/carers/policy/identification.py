"""Duty staff say who the child is of whom nobody knew it: "VBHJZ it is C31". Two cases become one by it, for good.

Only a plain statement does it. What is asked, denied, doubted or said of several children is read by a person; and a report that
quotes both is a report of the child, since two who are missing must not become one.
"""

import re

from services.carers.policy import human
from services.carers.policy.answer import Answer
from services.carers.policy.scene import Act, Decision, Telling, TextContext
from services.carers.understanding import whom
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.child_events.care_events import ChildIdentified

SAYS_NOTHING_ELSE = frozenset({Intent.ACKNOWLEDGE, Intent.THANKS, Intent.UNCLEAR})
PLAIN = frozenset(
    {
        "it", "its", "is", "this", "that", "thats", "the", "child", "kid", "boy", "girl", "one", "hes", "shes", "he", "she", "him", "her",
        "and", "ok", "okay", "yes", "yep", "thanks", "thank", "you", "ta", "cheers", "identified", "identify", "as", "known", "code",
        "number", "i", "am", "im", "sure", "definitely", "confirmed", "mae", "hwn", "hon", "yw", "plentyn", "ydy", "diolch",
    }
)  # fmt: skip
QUESTION = re.compile(r"\bis (?:it|this|that|he|she|the)\b")


def decide(telling: Telling, codes: whom.Named, meaning: Meaning, scene: TextContext) -> Decision:
    """`codes`: whom the text names by a child's own code; the scene is as the telling's authority sees it."""
    told = [each for each in codes.children if scene.by_id(each).authority == telling.authority]
    alone = len(told) == len(codes.children) == 1 and not codes.alike and not codes.somebody_else
    if not alone or not _is_plain(meaning, scene):
        answer = Answer.NO_SUCH_CODE if codes.somebody_else else Answer.NOT_IDENTIFIED
        return Decision((human.needed(scene, "which-child", telling.child),), answer)
    child = scene.by_id(told[0])
    identified = ChildIdentified(authority=scene.authority, said_by=scene.person, channel="text", child=child.child)
    return Decision(
        (Act(telling.child, identified),),
        Answer.IDENTIFIED,
        identified=((telling.child, child.child),),
        coded=child.code,
    )


def _is_plain(meaning: Meaning, scene: TextContext) -> bool:
    if (
        scene.asks
        or meaning.doubtful
        or not set(meaning.intents) <= SAYS_NOTHING_ELSE
        or QUESTION.search(meaning.words)
    ):
        return False
    codes = {each.lower() for each in meaning.codes}
    said = {each for each in meaning.words.split() if each not in codes and not whom.NUMBER_OF_CODE.match(each)}
    return said <= PLAIN
