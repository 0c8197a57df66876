"""Finds the children that each statement of a text is about.

"She" in the text of a carer with several children in doubt is no child: a report then goes out with all of them as
candidates, and a return asks which child.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from services.carers.policy.context import Child, TextContext
from services.carers.policy.mentions import sides
from services.carers.understanding import child_names, replies
from services.carers.understanding.languages.lexicon import load_patterns, load_words
from services.carers.understanding.meaning import REPORTS, WHEREABOUTS, Intent, Meaning, Statement
from services.safeguarding.identifiers import ChildId

ONE_CHILD = re.compile(r"\b(?:he|she|him|her|his|hes|shes|hed|shed|hi|fe|fo)\b")
RETURNED = re.compile(r"\b(?:came|come|back|got|walked|was|were|been|when|until|till|seen)\b")
TELLS = re.compile(r"\b(?:he|she) (?:knows?|says?|said|thinks?|reckons?|told|saw|heard)\b")
NAMING = load_words("replies")["adds_nothing_to_a_name"]
"""A clause of these words and a name only says which child is meant."""


def resolve_antecedent(
    said: Statement,
    named: child_names.NamedChildren,
    overall: child_names.NamedChildren,
    context: TextContext,
    meaning: Meaning,
) -> tuple[ChildId, ...]:
    """The children of a statement whose own words name none of them as its subject. None of a report that may be about
    another child than those it seems to be about.
    """
    if said.intent in REPORTS and len(named.owners) == len(named.beside) == 1:
        return named.owners
    counted = named.count or overall.count
    before = _find_before(said, meaning, context, overall)
    if before and not set(before) & set(named.beside):
        found = before if len(before) == 1 or not ONE_CHILD.search(said.words) else ()
    elif after := _find_after(said, meaning, context):
        return after
    elif counted:
        known = context.sought_here if said.intent is Intent.MISSING else context.open
        return tuple(each.child for each in known) if counted == len(known) else ()
    else:
        found = _resolve_by_rest(said, overall, context, meaning)
        if said.intent in REPORTS and set(found) & set(named.beside):
            found = _find_sought(said, context)
    return () if said.intent in REPORTS and _is_in_doubt(said, found, meaning, context) else found


def _is_in_doubt(said: Statement, found: tuple[ChildId, ...], meaning: Meaning, context: TextContext) -> bool:
    """Whether a report that names nobody may be about another child than the one named before it: it, or what stands
    between, speaks of another, or the one named is said to be there.
    """
    whom = [context.child_by_id(child) for child in found]
    if sides.may_be_another(said.words, whom):
        return True
    for clause in reversed(meaning.clauses[: max(said.at, 0)]):
        if set(child_names.find_named(clause, context.known).children) & set(found):
            return any(child_names.is_said_present(each, clause) for each in whom) and not RETURNED.search(clause)
        if sides.may_be_another(clause):
            return True
    return False


def _resolve_by_rest(
    said: Statement, overall: child_names.NamedChildren, context: TextContext, meaning: Meaning
) -> tuple[ChildId, ...]:
    """By the names anywhere in the text."""
    if len(overall.children) == 1:
        return _resolve_mentioned(overall.children, said, context)
    if overall.children:
        whereabouts = {each.intent for each in meaning.said if each.intent in WHEREABOUTS}
        return overall.children if len(whereabouts) < 2 and overall.together else ()
    witnesses = [child for child in overall.beside if child not in overall.owners]
    if len(overall.owners) == 1 and not witnesses:
        return _resolve_mentioned(overall.owners, said, context)
    if taken_back := _find_confirmed(meaning, context):
        return taken_back
    sought = _find_sought(said, context) if said.intent in REPORTS else ()
    asked = Intent.UNCLEAR if said.weak and said.intent in REPORTS else said.intent
    return sought or tuple(child for child in find_child_in_question(asked, context) if child not in witnesses)


def _find_sought(said: Statement, context: TextContext) -> tuple[ChildId, ...]:
    """Whom this number has reported already, and whom a report in words that name nobody is about: it says no more
    than how they left. It may be about one of several, and leave open which.
    """
    sought = context.sought_here
    if has_nameless(context):
        return ()
    if ONE_CHILD.search(said.words):
        sexes = sides.find_sexes(said.words)
        sought = tuple(each for each in sought if each.sex is None or each.sex in sexes)
        return (sought[0].child,) if len(sought) == 1 else ()
    return tuple(each.child for each in sought)


def has_nameless(context: TextContext) -> bool:
    """Whether a report of this number still has no name."""
    return any(each.child is None for each in context.provisionals)


def _find_confirmed(meaning: Meaning, context: TextContext) -> tuple[ChildId, ...]:
    """The child whom this number has just confirmed to be back, or safe, and whom "not back" then means. Later on, or
    where another claim waits for its code, that may be a child who is missing.
    """
    newest = next((each for each in context.claims if each.live or (each.confirmed and each.kind != "practice")), None)
    if newest is None or newest.live or not replies.takes_back_a_return(meaning.words):
        return ()
    if newest.settled and (context.open or any(each.child is None for each in context.provisionals)):
        return ()
    subjects = {each.subject for each in context.claims if each.confirmed and each.code == newest.code}
    found = tuple(each.child for each in context.children if each.child in subjects and not each.standing.open)
    return found if len(found) == 1 else ()


def find_child_in_question(intent: Intent, context: TextContext) -> tuple[ChildId, ...]:
    """The only child that is missing. None for a plain MISSING, which may be about another child."""
    if intent is Intent.MISSING:
        return ()
    returned = [each for each in context.children if each.standing.state == "returned"]
    candidates = context.open or (returned if intent is Intent.NOT_BACK else ())
    return (candidates[0].child,) if len(candidates) == 1 and not has_nameless(context) else ()


def _find_before(
    said: Statement, meaning: Meaning, context: TextContext, overall: child_names.NamedChildren
) -> tuple[ChildId, ...]:
    """The children named last before it. A child that the text says is back is not the one whom it reports."""
    back = {
        child
        for each in meaning.said
        if said.intent in REPORTS and len(overall.children) > 1 and each.intent is Intent.BACK
        for child in child_names.find_named(each.words, context.known).children
    }
    for clause in reversed(meaning.clauses[: max(said.at, 0)]):
        found = child_names.find_named(clause, context.known)
        children = tuple(child for child in found.left_out or found.children if child not in back)
        if said.intent in REPORTS and len(children) > 1:
            there = {child for child in children if child_names.is_said_present(context.child_by_id(child), clause)}
            children = tuple(child for child in children if child not in there) or children
        if children:
            return children
    return ()


def _find_after(said: Statement, meaning: Meaning, context: TextContext) -> tuple[ChildId, ...]:
    """The children named right after it, as in "he has come back, Omid"."""
    if said.at < 0:
        return ()
    for clause in meaning.clauses[said.at + 1 :]:
        found = child_names.find_named(clause, context.known)
        words = {
            word for each in context.known if each.child in found.children for word in child_names.list_words(each)
        }
        others = {word for word in clause.split() if not word.isdigit()} - words
        if found.children and others <= NAMING and "not" not in clause.split():
            return found.children
    return ()


def _resolve_mentioned(children: tuple[ChildId, ...], said: Statement, context: TextContext) -> tuple[ChildId, ...]:
    """Children named in another clause only. While another child is missing, a return may be that child's."""
    if said.intent in REPORTS or not context.open or context.child_by_id(children[0]).standing.open:
        return children
    return find_child_in_question(said.intent, context)


PATTERNS = load_patterns("replies")
OF_A_CHILD = (*WHEREABOUTS, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.REFERENCE)
NEWS = frozenset({Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.LOCATED})
"""Where several children are named, news is about those missing: the others saw it, or were with them."""
FALSE_ALARM = load_words("replies")["false_alarm"]
SEVERAL = 2
STANDS_DOWN = frozenset({Intent.BACK, Intent.FALSE_ALARM})


@dataclass(frozen=True, slots=True)
class ChildMentions:
    """`about` lists the statements about each child, in order; `nobody` lists those about an unnamed child."""

    about: dict[ChildId, tuple[Intent, ...]]
    nobody: tuple[Intent, ...]
    named: tuple[ChildId, ...]
    doubtful: bool
    """One child is missing and one is back, and the words leave open which is which."""
    either: dict[tuple[ChildId, ...], tuple[Intent, ...]] = field(default_factory=dict)
    """Statements about one of several children who have the same code."""
    somebody_else: bool = False
    """The text holds a code of a child that the speaker may not name."""
    another: bool = False
    """A report in `nobody` may be about one more child than this number has reported."""
    likeliest: tuple[ChildId, ...] = ()
    """All whom the speaker may name, in the order in which the report in `nobody` may be about them."""


def resolve_mentions(meaning: Meaning, context: TextContext) -> ChildMentions:
    overall = child_names.find_named(meaning.words, context.known)
    about: dict[ChildId, list[Statement]] = {}
    either: dict[tuple[ChildId, ...], list[Statement]] = {}
    nobody: list[Statement] = []
    doubtful = False
    for said in meaning.said:
        named = child_names.find_named(said.words, context.known)
        if said.intent not in OF_A_CHILD or (said.if_named and not (named.children or named.left_out or named.alike)):
            continue
        children, groups = _find_children(said, named, overall, context, meaning), _group_alike(named, overall, context)
        children = _leave_to_those_sought(said, _leave_doubts(said, children, context), context)
        mixed = said.mixed or not named.together
        if len(named.children) + len(groups) > 1 and said.intent in WHEREABOUTS and mixed:
            children, groups = named.left_out if said.intent in REPORTS else (), ()
            doubtful = not named.left_out
        if said.intent in NEWS and _may_be_of_another(children, said, context):
            children = ()
        children, groups = _single_out(said.intent, children, groups, context)
        somebody_else = said.intent in STANDS_DOWN and not child_names.may_name_one(said.subject, context.known)
        if somebody_else or said.intent in NEWS:
            children = _limit_to_missing(children, context, alone=somebody_else)
        # "Karen is back" is no return of theirs; of a child that is missing it may still be news.
        what = Statement(Intent.UNCLEAR, said.words) if somebody_else else said
        if somebody_else and not children:
            continue
        for group in groups:
            either.setdefault(group, []).append(what)
        for child in children:
            about.setdefault(child, []).append(what)
        if not children and not groups:
            nobody.append(said)
    doubtful |= _apply_correction(about, meaning, context)
    missed = {each.child for each in context.open or context.known}
    about = {
        child: [_weaken_unless_missed(one, missed=child in missed) for one in each] for child, each in about.items()
    }
    settled = {
        child: _settle(_choose_intents(each, open_=context.child_by_id(child).standing.open), meaning, context)
        for child, each in about.items()
    }
    return ChildMentions(
        {child: intents for child, intents in settled.items() if intents},
        _choose_intents(_drop_others(nobody, settled, context), open_=bool(context.open or context.provisionals)),
        overall.children,
        doubtful,
        {
            group: _choose_intents(each, open_=any(context.child_by_id(child).standing.open for child in group))
            for group, each in either.items()
        },
        overall.somebody_else,
        overall.somebody_else
        or (overall.count > 0 and not _is_one_of_those_sought(meaning, context))
        or any(_may_be_another(each, context) for each in nobody if not _is_one_of_those_sought(meaning, context)),
        _order_by_likelihood(nobody, settled, meaning, context),
    )


def _order_by_likelihood(
    nobody: list[Statement], settled: Collection[ChildId], meaning: Meaning, context: TextContext
) -> tuple[ChildId, ...]:
    """First who is of the sex that the report speaks of. Last who is named as another, is there, or is sought."""
    said = " ".join(each.words for each in nobody if each.intent in REPORTS)
    sexes = sides.find_likely_sexes(said)

    def rank(child: Child) -> tuple[bool, bool]:
        apart = child.child in settled or child.standing.open
        there = any(child_names.is_said_present(child, clause) for clause in meaning.clauses)
        return apart or there, bool(sexes) and child.sex not in sexes

    return tuple(each.child for each in sorted(context.known, key=rank))


def _is_one_of_those_sought(meaning: Meaning, context: TextContext) -> bool:
    """As in "one is back, the other isn't", where two are sought."""
    return len(context.sought_here) > 1 and "back" in meaning.words.split()


def _leave_doubts(said: Statement, children: tuple[ChildId, ...], context: TextContext) -> tuple[ChildId, ...]:
    """Of a report: without those of several whom its own words say to be there."""
    if said.intent not in REPORTS or len(children) < SEVERAL:
        return children
    there = {each for each in children if child_names.is_said_present(context.child_by_id(each), said.words)}
    return tuple(each for each in children if each not in there) or children


def _leave_to_those_sought(said: Statement, children: tuple[ChildId, ...], context: TextContext) -> tuple[ChildId, ...]:
    """Who is sought, where the words are of that sex alone: "nobody has heard from her" is news of the girl, whichever
    boy is named beside it.
    """
    named = child_names.find_named(said.words, context.known).children
    if said.intent not in REPORTS or (named and not said.weak):
        return children
    sexes = sides.find_sexes(TELLS.sub(" ", said.words))
    sought = [each.child for each in context.open if each.sex in sexes]
    unlike = {each.child for each in context.known if each.sex and each.sex not in sexes and not each.standing.open}
    return tuple(sought) if sought and children and unlike.issuperset(children) else children


def _settle(intents: tuple[Intent, ...], meaning: Meaning, context: TextContext) -> tuple[Intent, ...]:
    """What takes a report back, or says that a child is back, in more words than it takes is information."""
    more = {each for each in STANDS_DOWN & set(intents) if not _is_plain(each, meaning, context)}
    if not more:
        return intents
    return tuple(dict.fromkeys(Intent.UNCLEAR if each in more else each for each in intents))


def _is_plain(intent: Intent, meaning: Meaning, context: TextContext) -> bool:
    """Whether it says so and nothing else of weight: that police say so, or that a sighting was none, claims nothing.
    Beside a report of another child the words about the return count alone.
    """
    known = {word for each in context.known for word in child_names.list_words(each)}
    if intent is Intent.FALSE_ALARM:
        return set(meaning.words.split()) <= FALSE_ALARM | known
    back = [each for each in meaning.said if each.intent is intent]
    subjects = {word for each in back for word in each.subject.split()}
    called = {each for each in subjects if child_names.may_name_one(each, context.known)}
    beside_a_report = REPORTS & set(meaning.intents) and not any(each.mixed for each in back)
    words = " ".join(each.words for each in back) if beside_a_report else meaning.words
    return replies.only_says_back(words, known | called | {code.casefold() for code in meaning.codes})


def _may_be_another(said: Statement, context: TextContext) -> bool:
    return said.intent in REPORTS and sides.may_be_another(said.words, context.sought_here)


def _single_out(
    intent: Intent, children: tuple[ChildId, ...], groups: tuple[tuple[ChildId, ...], ...], context: TextContext
) -> tuple[tuple[ChildId, ...], tuple[tuple[ChildId, ...], ...]]:
    """Adds the one child in question of each group with the same code. Returns the other groups unchanged."""
    left = []
    for group in groups:
        one = find_child_in_question(intent, sides.limit_to_children(context, group))
        children = (*children, *one)
        left += [] if one else [group]
    return children, tuple(left)


def _group_alike(
    named: child_names.NamedChildren, overall: child_names.NamedChildren, context: TextContext
) -> tuple[tuple[ChildId, ...], ...]:
    """The children with the same code, by code, named in these words, or in the text if these words name nobody."""
    here = named.alike or (() if named.children or named.somebody_else else overall.alike)
    groups: dict[str, list[ChildId]] = {}
    for child in here:
        groups.setdefault(child_names.simplify_code(context.child_by_id(child).code), []).append(child)
    return tuple(tuple(each) for each in groups.values())


def _weaken_unless_missed(said: Statement, *, missed: bool) -> Statement:
    """Said of a child that nobody missed, "is home" only says where it is."""
    if missed or said.intent is not Intent.BACK or PATTERNS["came"].search(said.words):
        return said
    return replace(said, weak=True)


def _may_be_of_another(children: tuple[ChildId, ...], said: Statement, context: TextContext) -> bool:
    """A child that is not missing is named, and "her" may be the one that is."""
    missing = [child for child in children if context.child_by_id(child).standing.open]
    return bool(children and context.open and not missing and ONE_CHILD.search(said.words))


def _limit_to_missing(children: tuple[ChildId, ...], context: TextContext, *, alone: bool) -> tuple[ChildId, ...]:
    """Those of them that are missing. If none is: none of them if `alone`, else all."""
    missing = tuple(child for child in children if context.child_by_id(child).standing.open)
    return missing if missing or alone else children


def _apply_correction(about: dict[ChildId, list[Statement]], meaning: Meaning, context: TextContext) -> bool:
    """Applies "not Omar, Omid". True where nobody had reported the wrong child, so that a person finds out."""
    pair = None if Intent.BACK in meaning.intents else child_names.find_correction(meaning.clauses, context.known)
    if pair is None:
        return False
    wrong, instead = pair
    about.setdefault(instead, []).append(Statement(Intent.MISSING, meaning.words))
    if context.child_by_id(wrong).standing.open:
        about[wrong] = [Statement(Intent.FALSE_ALARM, meaning.words)]
        return False
    return not REPORTS & set(meaning.intents)


def _drop_others(
    nobody: list[Statement], settled: dict[ChildId, tuple[Intent, ...]], context: TextContext
) -> list[Statement]:
    """Drops unnamed returns beside a report by name: they are about the others, whom nobody missed. A report in words
    that name nobody says how the one named left, unless it may be about another.
    """
    reported = [context.child_by_id(child) for child, intents in settled.items() if REPORTS & set(intents)]
    dropped = {Intent.BACK} | (
        REPORTS if not any(sides.may_be_another(each.words, reported) for each in nobody) else set()
    )
    return [each for each in nobody if each.intent not in dropped] if reported else nobody


def _find_children(
    said: Statement,
    named: child_names.NamedChildren,
    overall: child_names.NamedChildren,
    context: TextContext,
    meaning: Meaning,
) -> tuple[ChildId, ...]:
    """The nearest name counts. A code of somebody else's child means that it is none of the speaker's."""
    if named.left_out and said.intent in REPORTS and not named.children:
        return named.left_out
    if named.somebody_else or named.children or named.alike:
        return named.children
    if overall.somebody_else or (overall.alike and not overall.children):
        return ()
    if len(context.children) == 1:
        return (context.children[0].child,)
    return resolve_antecedent(said, named, overall, context, meaning)


def choose_whereabouts(said: Iterable[Statement]) -> Intent:
    """Of a report, a return and a false alarm about one child the last counts. But a return outweighs a false alarm."""
    each = list(said)
    returns = [index for index, one in enumerate(each) if one.intent is Intent.BACK]
    alarms = [index for index, one in enumerate(each) if one.intent is Intent.FALSE_ALARM]
    reports = [
        index for index, one in enumerate(each) if one.intent in REPORTS and not (one.was and (returns or alarms))
    ]
    if reports and reports[-1] > max([*returns, *alarms, -1]):
        return each[reports[-1]].intent
    if alarms and all(each[index].weak for index in returns):
        return Intent.FALSE_ALARM
    return Intent.BACK if returns else Intent.FALSE_ALARM


def _adds_nothing(keep: Intent, said: list[Statement]) -> bool:
    """Whether it adds nothing to the place where the child was found: only "safe", or "not home yet"."""
    if keep is Intent.BACK:
        return all(one.weak for one in said if one.intent is Intent.BACK)
    return keep is Intent.NOT_BACK and all(
        PATTERNS["not_yet"].search(one.words) for one in said if one.intent in REPORTS
    )


def _choose_intents(said: Iterable[Statement], *, open_: bool) -> tuple[Intent, ...]:
    """Keeps the statements about one child that count together. `open_`: the child is known to be missing."""
    each = list(said)
    keep = choose_whereabouts(each)
    intents = [one.intent for one in each]
    if keep is Intent.BACK and not open_ and all(one.weak for one in each if one.intent is Intent.BACK):
        intents = [Intent.UNCLEAR if intent is Intent.BACK else intent for intent in intents]
    if Intent.LOCATED in intents and open_ and _adds_nothing(keep, each):
        keep = Intent.LOCATED
    if keep in REPORTS and open_ and all(one.weak for one in each if one.intent in REPORTS):
        intents = [Intent.UNCLEAR if intent in REPORTS else intent for intent in intents]
        keep = Intent.UNCLEAR
    if Intent.LURE in intents and keep is Intent.BACK and not open_ and not REPORTS & set(intents):
        intents = [intent for intent in intents if intent is not Intent.BACK]
    dropped = {*REPORTS, Intent.BACK, Intent.FALSE_ALARM} - {keep}
    if keep is Intent.BACK and Intent.BACK in intents:
        dropped |= {Intent.LOCATED, Intent.SEEN, Intent.CONTACT}
    if keep in REPORTS or Intent.FALSE_ALARM in set(intents) - dropped:
        dropped |= {Intent.SEEN, Intent.CONTACT}
    if Intent.LOCATED in set(intents) - dropped:
        dropped |= {Intent.SEEN, Intent.CONTACT}
    if len(set(intents)) > 1:
        dropped |= {Intent.UNCLEAR}
    return tuple(dict.fromkeys(intent for intent in intents if intent not in dropped))
