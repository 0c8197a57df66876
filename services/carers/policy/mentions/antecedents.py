"""Resolves "she" in the text of a carer with several children.

In doubt it resolves to no child: a report then goes out with all of them as candidates, and a return asks which child.
"""

import re

from services.carers.policy.context import TextContext
from services.carers.policy.mentions import others
from services.carers.understanding.children import child_names
from services.carers.understanding.details import replies
from services.carers.understanding.languages.lexicon import load_words
from services.carers.understanding.meaning import REPORTS, WHEREABOUTS, Intent, Meaning, Statement
from services.safeguarding.identifiers import ChildId

ONE_CHILD = re.compile(r"\b(?:he|she|him|her|his|hes|shes|hed|shed|hi|fe|fo)\b")
RETURNED = re.compile(r"\b(?:came|come|back|got|walked|was|were|been|when|until|till|seen)\b")
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
    counted = named.count or overall.count
    if before := _find_before(said, meaning, context, overall):
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
    if others.may_be_another(said.words, whom):
        return True
    for clause in reversed(meaning.clauses[: max(said.at, 0)]):
        if set(child_names.find_named(clause, context.known).children) & set(found):
            return any(child_names.is_said_present(each, clause) for each in whom) and not RETURNED.search(clause)
        if others.may_be_another(clause):
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
        sexes = others.find_sexes(said.words)
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
        if found.children and set(clause.split()) - words <= NAMING and "not" not in clause.split():
            return found.children
    return ()


def _resolve_mentioned(children: tuple[ChildId, ...], said: Statement, context: TextContext) -> tuple[ChildId, ...]:
    """Children named in another clause only. While another child is missing, a return may be that child's."""
    if said.intent in REPORTS or not context.open or context.child_by_id(children[0]).standing.open:
        return children
    return find_child_in_question(said.intent, context)
