"""Splits a text between the authorities and placements that know its number, so that none is chosen by chance.

Finds whom "the other one too" means, texted after the report of another child.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.carers.policy.context import Child, Provisional, TextContext
from services.carers.understanding import child_names
from services.carers.understanding.child_names import Sex
from services.carers.understanding.languages.lexicon import load_patterns, load_words
from services.carers.understanding.meaning import Intent, Meaning
from services.safeguarding.identifiers import ChildId, provisional_child


def list_sides(context: TextContext) -> tuple[TextContext, ...]:
    """One context for each authority and placement that an unnamed child may belong to, with the children there and a
    report of its own.
    """
    if not context.children:
        return _list_capacities(context)
    places: dict[tuple[str | None, str | None], list[Child]] = {}
    for child in context.children:
        places.setdefault((child.authority, child.placement), []).append(child)
    if len(places) == 1:
        return (context.for_child(context.children[0]),)
    return tuple(
        replace(
            context.for_child(of_one[0]),
            children=tuple(of_one),
            provisional=_derive_report(context.provisional, *place),
        )
        for place, of_one in places.items()
    )


def list_teams(context: TextContext) -> tuple[TextContext, ...]:
    """Like `list_sides`, but each authority once, since one team reads a text once."""
    found: dict[str, TextContext] = {}
    for side in list_sides(context):
        found.setdefault(side.authority, side)
    return (context,) if len(found) == 1 else tuple(found.values())


def limit_to_children(context: TextContext, children: Sequence[ChildId]) -> TextContext:
    """The context for a text that means one of these children and leaves open which. It has a report of its own."""
    several = tuple(each for each in context.known if each.child in children)
    return replace(
        context,
        children=several,
        coded=(),
        provisional=provisional_child(" ".join((context.provisional, *sorted(children)))),
    )


def find_reports(context: TextContext, asked_of: ChildId) -> tuple[Provisional, ...]:
    """The reports of one text that its question is about and that still have no name."""
    found = tuple(
        each
        for each in context.provisionals
        if each.child is None
        and each.provisional in {asked_of, _derive_report(asked_of, each.authority, each.placement)}
    )
    return found or (Provisional(asked_of),)


def choose_report(child: Child, found: Sequence[Provisional], asked_of: ChildId) -> ChildId | None:
    """The report that was about this child: the only one, or that of its placement."""
    if [each.provisional for each in found] == [asked_of]:
        return asked_of
    place = (child.authority, child.placement)
    return next((each.provisional for each in found if (each.authority, each.placement) == place), None)


def are_alike(children: Sequence[Child]) -> bool:
    """Whether all of them have the same code."""
    return len(children) > 1 and len({child_names.simplify_code(each.code) for each in children}) == 1


def _list_capacities(context: TextContext) -> tuple[TextContext, ...]:
    of_kind = {each.authority: each for each in reversed(context.capacities) if each.kind == context.kind}
    if len(of_kind) < 2:
        return (context,)
    return tuple(
        replace(
            context,
            authority=each.authority,
            person=each.person,
            placement=None,
            provisional=_derive_report(context.provisional, each.authority, None),
        )
        for each in sorted(of_kind.values(), key=lambda each: each.authority)
    )


def _derive_report(cause: ChildId, authority: str | None, placement: str | None) -> ChildId:
    """A stable id, however often the text is read."""
    return provisional_child(" ".join((cause, placement or authority or "")))


WORDS = load_words("also")
PATTERNS = load_patterns("also")
HOLDS = PATTERNS["holds"]
SEXES: dict[Sex, frozenset[str]] = {"girl": WORDS["girl"], "boy": WORDS["boy"]}
KIN: dict[Sex, frozenset[str]] = {"girl": WORDS["kin_girl"], "boy": WORDS["kin_boy"]}
OF_OTHERS = WORDS["others"] | WORDS["both"] | WORDS["kin"]


def speaks_of_others(meaning: Meaning, context: TextContext) -> bool:
    """Whether it only says "too", or names a child that nobody misses, while another is missing. Not while we ask
    something: "too" may say that the other is back as well.
    """
    asked = context.question is not None or any(each.live for each in context.claims)
    is_sought = any(each.standing.state == "missing" for each in context.open)
    if asked or not is_sought or set(meaning.intents) != {Intent.UNCLEAR}:
        return False
    if HOLDS.search(meaning.words):
        return False
    words, names = set(_list_words(meaning)), _list_names(context)
    if not words <= names | WORDS["also"] | WORDS["around"] | OF_OTHERS:
        return False
    return bool(words & OF_OTHERS or find_unmissed(meaning, context))


def find_also_missing(meaning: Meaning, named: tuple[ChildId, ...], context: TextContext) -> tuple[ChildId, ...]:
    """The children of whom such a text surely says the same. None where it does not say "too", or leaves open who."""
    words = _list_words(meaning)
    if not (WORDS["also"] & set(words) or words[0] in {"and", "so"}):
        return ()
    if named:
        return named
    rest = [each.child for each in context.children if not each.standing.open]
    return tuple(rest) if len(rest) == 1 and WORDS["others"] & set(words) else ()


def may_be_another(words: str, whom: Sequence[Child] = ()) -> bool:
    """Whether a report in words that name nobody may be about another child than these: it says another, both or too,
    speaks of a brother or sister, or of a girl where these are boys.
    """
    each = set(words.split())
    if each & WORDS["of_another"] or PATTERNS["another"].search(words):
        return True
    sexes = find_sexes(words)
    return bool(sexes and whom) and all(child.sex is not None and child.sex not in sexes for child in whom)


def find_sexes(words: str) -> set[Sex]:
    each = set(words.split())
    return {sex for sex, pronouns in SEXES.items() if each & pronouns}


def find_likely_sexes(words: str) -> set[Sex]:
    """Of "his sister" a girl."""
    each = set(words.split())
    return {sex for sex, kin in KIN.items() if each & kin} or find_sexes(words)


def says_too(meaning: Meaning) -> bool:
    return not (WORDS["also"] | WORDS["others"]).isdisjoint(_list_words(meaning))


def says_all_of_two(meaning: Meaning, context: TextContext) -> bool:
    """Whether it says "the other one too" of the one of two who has not been named yet."""
    words = set(_list_words(meaning))
    known = words <= WORDS["also"] | WORDS["around"] | WORDS["others"]
    return len(context.children) == 2 and known and bool(words & WORDS["also"]) and bool(words & WORDS["others"])


def find_unmissed(meaning: Meaning, context: TextContext) -> tuple[ChildId, ...]:
    """Those that it names and that nobody misses."""
    if not set(meaning.words.split()) & _list_names(context):
        return ()
    named = child_names.find_named(meaning.words, context.children).children
    found = {*named, *child_names.find_answered(meaning.words, context.children)}
    return tuple(each.child for each in context.children if each.child in found and not each.standing.open)


def _list_words(meaning: Meaning) -> list[str]:
    """Of "as well" one word: a child who is "well" is not missing."""
    return meaning.words.replace("as well", "aswell").split()


def _list_names(context: TextContext) -> set[str]:
    return {word for each in context.children for word in (*child_names.list_words(each), each.code[1:].lstrip("0"))}
