"""Weighs what nobody has read of a text about a child whom nobody seeks. Weak evidence starts: words that tell of no
harmless thing and hold a sign of absence report the child. Harmless words are such a sign where they are denied.

Beside a child who is sought, or a report or return that was read, only what is said right beside a name counts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.carers.policy.context import TextContext
from services.carers.policy.mentions import sides
from services.carers.understanding import child_names
from services.carers.understanding.languages import lexicon
from services.carers.understanding.languages.lexicon import load_patterns
from services.carers.understanding.languages.plain_words import fold
from services.carers.understanding.meaning import REPORTS, WHEREABOUTS, Clause, Intent, Meaning, Statement

PATTERNS = load_patterns("clock_times", "unread")
HEAVY = ("gone", "sought", "emptied", "unreached")
LIGHT = ("time", "expected", "out", "things", "worry", "waits", "believed")
WHERE = ("there", "elsewhere")
HARMLESS = ("to_come", "theirs", "asking")
MILD = ("business", "health", "everyday")
ENOUGH = 3
"""One heavy sign, or three light ones. A harmless word outweighs as much."""
SPOKEN_OF = (
    (
        lexicon.CHILD
        - {"e", "o", "hi", "all", "both", "one", "everyone", "everybody", "they", "them", "little", "person"}
    )
    | (sides.WORDS["girl"] - {"hi"})
    | (sides.WORDS["boy"] - {"ef"})
)
NEWS = frozenset({Intent.LURE, Intent.SEEN, Intent.CONTACT})
SPOKEN_HERE = SPOKEN_OF | {"child", "me", "us"}


@dataclass(frozen=True, slots=True)
class Weight:
    """`mild`: what outweighs no heavy sign."""

    signs: int
    harmless: int = 0
    mild: int = 0
    settles: bool = False
    """It says that the child is there, or that all is over."""

    @property
    def net(self) -> int:
        return max(0, self.signs - ENOUGH * self.harmless - (self.mild if self.signs < ENOUGH else 0))


def report_unread(meaning: Meaning, context: TextContext) -> Meaning:
    """The meaning with a report for each clause that nobody has read and that weighs enough."""
    if not context.children:
        return meaning
    if context.open or any(each.child is None for each in context.provisionals):
        found = _find_beside_names(meaning, context)
    elif _is_read(meaning, context):
        found = _find_beside_names(meaning, context) or _find_gone_again(meaning, context)
    else:
        found = _find_reports(meaning, context)
    if not found:
        return meaning
    kept = [each for each in meaning.said if each.intent is not Intent.UNCLEAR]
    added = [Statement(Intent.MISSING, words, at=at, weak=True) for at, words in found]
    return replace(meaning, said=tuple(sorted([*kept, *added], key=lambda each: each.at)))


def _is_read(meaning: Meaning, context: TextContext) -> bool:
    """Whether it says where a child is. Of some who are there it says nothing of the others."""
    for each in meaning.said:
        named = child_names.find_named(each.words, context.known)
        children = named.children or named.left_out or named.alike
        if each.intent not in WHEREABOUTS or (each.if_named and not children):
            continue
        if each.intent is not Intent.BACK or not 0 < len(children) < len(context.children):
            return True
    return False


def _find_reports(meaning: Meaning, context: TextContext) -> list[tuple[int, str]]:
    """The clauses that report a child, or the last one of weight where only together they are enough."""
    weights = _weigh_clauses(meaning, context)
    heavy = [each for each, weight in weights if weight.net >= ENOUGH]
    if not weights or _sum_up(weights, meaning, context) < _find_bar(weights, meaning, context):
        return []
    of_weight = [each for each, weight in weights if weight.net] or [each for each, _ in weights]
    return [(each.at, each.typed) for each in heavy or of_weight[-1:]]


def _find_gone_again(meaning: Meaning, context: TextContext) -> list[tuple[int, str]]:
    """Heavy clauses after a return, as in "back at nine, then legged it": the last counts."""
    if set(meaning.intents) & set(WHEREABOUTS) != {Intent.BACK}:
        return []
    back = max(each.at for each in meaning.said if each.intent is Intent.BACK)
    weights = [one for one in _weigh_clauses(meaning, context) if one[0].at > back]
    if any(weight.settles for _, weight in weights):
        return []
    return [(each.at, each.typed) for each, weight in weights if weight.net >= ENOUGH]


def _weigh_clauses(meaning: Meaning, context: TextContext) -> list[tuple[Clause, Weight]]:
    """That one of several who are named is there says nothing of the others."""
    told = {each.at for each in meaning.said}
    names = {word for each in context.known for word in child_names.list_words(each)}
    spoken_of = child_names.find_named(meaning.words, context.known).children
    weights = []
    for each in meaning.unread:
        here = child_names.find_named(each.typed, context.known).children
        numbers = {child_names.number_of(one.code) for one in context.known if one.child in here}
        weight = _weigh(_put_child(each.plain, names | numbers), told=each.at in told)
        of_some = weight.settles and here and set(here) < set(spoken_of)
        weights.append((each, Weight(0) if of_some else weight))
    return weights


def _sum_up(weights: Sequence[tuple[Clause, Weight]], meaning: Meaning, context: TextContext) -> int:
    """That the child is there counts only after the last heavy clause."""
    last = max((each.at for each, weight in weights if weight.net >= ENOUGH), default=-1)
    total = sum(weight.net for _, weight in weights) + _weigh_language(meaning, context)
    return total - ENOUGH * sum(weight.settles and each.at >= last for each, weight in weights)


def _find_bar(weights: Sequence[tuple[Clause, Weight]], meaning: Meaning, context: TextContext) -> int:
    """What is enough. A person hears of danger, luring and whoever asks for one, also without a report."""
    heavy = any(weight.net >= ENOUGH for _, weight in weights)
    heard = meaning.wants_person or meaning.danger or bool(NEWS & set(meaning.intents))
    answers = context.question is not None and not context.asks_whether
    light = (heard or answers) and not heavy
    if light or not _is_about_one(meaning, context) or (meaning.doubtful and context.asks):
        return ENOUGH
    return 2 if any(weight.harmless or weight.mild or weight.settles for _, weight in weights) else 0


def _weigh_language(meaning: Meaning, context: TextContext) -> int:
    """Of a text in a language that is hardly read here, beside a name, or that denies something."""
    foreign = _has("foreign", meaning.words) or (meaning.doubtful and not context.asks)
    if foreign and _is_about_one(meaning, context):
        return ENOUGH
    return 2 if meaning.doubtful and not context.asks and _has("foreign_no", meaning.words) else 0


def _is_about_one(meaning: Meaning, context: TextContext) -> bool:
    """Whether it names a child, or speaks of the only one."""
    named = child_names.find_named(meaning.words, context.known)
    only = len(context.children) == 1 and bool(SPOKEN_OF & set(meaning.words.split()))
    return only or bool(named.children or named.left_out or named.beside or named.alike)


def _put_child(plain: str, names: set[str]) -> str:
    return " ".join("child" if word in names else "kid" if word == "child" else word for word in plain.split())


def _weigh(words: str, *, told: bool) -> Weight:
    """`told`: it has been read as telling of a man or a call."""
    shown = PATTERNS["idle"].sub("~", words)
    shown, hypothetical = PATTERNS["hypothetical"].subn("~", shown)
    rest, denied = PATTERNS["denied"].subn("~", shown)
    signs = ENOUGH * (bool(denied) + sum(_has(each, rest) for each in HEAVY))
    signs += ENOUGH * _has("taken", rest) if told else sum(_has(each, rest) for each in LIGHT)
    absent = denied or _has("emptied", rest) or _has("believed", rest)
    where = [] if absent else [each for each in WHERE if _has(each, rest)]
    each = words.split()
    if each[0] in lexicon.ANIMALS or (lexicon.ADULTS & set(each) and not SPOKEN_HERE & set(each)):
        return Weight(0)
    settles = "there" in where or _has("over", rest)
    mild = sum(_has(each, rest) for each in MILD)
    return Weight(signs, len(where) + hypothetical + sum(_has(each, rest) for each in HARMLESS), mild, settles)


def _has(kind: str, words: str) -> bool:
    return PATTERNS[kind].search(words) is not None


ALSO = re.compile(r"\b(?:too|either|as well|aswell|thats two|both)\b")


def _find_beside_names(meaning: Meaning, context: TextContext) -> list[tuple[int, str]]:
    """The children whom nobody seeks and of whom the text says right beside the name that they are gone as well. Or
    whom it means by "he" or "she" beside "too", where nobody else of that sex can be meant.
    """
    answers = context.question is not None or any(each.live for each in context.claims)
    found_already = context.open and all(each.standing.state == "located" for each in context.open)
    if answers or found_already or sides.HOLDS.search(meaning.words) or sides.speaks_of_others(meaning, context):
        return []
    unsought = [each for each in context.children if not each.standing.open]
    reported = set() if context.open else {each.at for each in meaning.said if each.intent in REPORTS}
    found = [
        (at, child)
        for at, words in enumerate(meaning.clauses)
        for child in unsought
        if at not in reported
        and _has("child_gone", shown := _put_child(words, child_names.list_words(child)))
        and not (context.open and _weigh(shown, told=False).harmless)
        and child.child not in child_names.find_named(words, context.known).left_out
    ]
    sexes = sides.find_sexes(meaning.words)
    if context.open and ALSO.search(meaning.words) and _has("gone_too", meaning.words):
        alone = [each for each in unsought if each.sex in sexes and each.sex not in {one.sex for one in context.open}]
        found += [(0, alone[0])] if len(alone) == 1 else []
    return [(at, fold(child.names[0] if child.names else child.code)) for at, child in dict.fromkeys(found)]
