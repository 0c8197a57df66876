"""Takes the word of duty staff for who an unnamed child is: "VBHJZ it is C31". It joins two cases for good.

Only a plain statement counts. A person reads questions, denials, doubts, and statements about several children. A
report that quotes both codes is a report of the child, since two missing children must not become one.
"""

import re

from services.carers.policy.answer import Answer
from services.carers.policy.consequences import escalation
from services.carers.policy.context import Telling, TextContext
from services.carers.policy.decision import Decision, tell
from services.carers.understanding.children import child_names
from services.carers.understanding.languages.lexicon import load_words
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.child_events.care_events import ChildIdentified

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
        return Decision((escalation.request_person(context, "which-child", telling.child),), answer)
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
