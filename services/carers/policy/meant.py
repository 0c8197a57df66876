"""Whom each thing said is about."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.carers.policy import whose
from services.carers.policy.scene import Scene
from services.carers.understanding import whom
from services.carers.understanding.meaning import REPORTS, WHEREABOUTS, Intent, Meaning, Said
from services.safeguarding.identifiers import ChildId

OF_A_CHILD = (*WHEREABOUTS, Intent.SEEN, Intent.CONTACT, Intent.LURE, Intent.REFERENCE)
STANDS_DOWN = frozenset({Intent.BACK, Intent.FALSE_ALARM})


@dataclass(frozen=True, slots=True)
class Meant:
    """`about` maps a child to what is said of it, in order; `nobody` holds what is said of a child that is not named."""

    about: dict[ChildId, tuple[Intent, ...]]
    nobody: tuple[Intent, ...]
    named: tuple[ChildId, ...]
    doubtful: bool
    """Of two children one is missing and one is back, and which is which the words leave open."""
    either: dict[tuple[ChildId, ...], tuple[Intent, ...]] = field(default_factory=dict)
    """What is said of one of several children who are called alike, which of them nobody can tell."""
    somebody_else: bool = False
    """A code in it is none of a child that the speaker may name."""


def meant(meaning: Meaning, scene: Scene) -> Meant:
    known = [whom.Known(each.child, each.code, each.names) for each in scene.known]
    overall = whom.named(meaning.words, known)
    about: dict[ChildId, list[Intent]] = {}
    either: dict[tuple[ChildId, ...], list[Intent]] = {}
    nobody: list[Intent] = []
    doubtful = False
    for said in meaning.said:
        if said.intent not in OF_A_CHILD:
            continue
        named = whom.named(said.words, known)
        if said.if_named and not (named.children or named.alike):
            continue
        children, groups = _children(said, named, overall, scene, meaning), _alike(named, overall, scene)
        mixed = said.mixed or not named.together
        if len(named.children) + len(groups) > 1 and said.intent in WHEREABOUTS and mixed:
            children, groups, doubtful = (), (), True
        children, groups = _singled_out(said.intent, children, groups, scene)
        intent, children = _as_theirs(said, children, known, scene)
        if intent is not said.intent and not children:
            continue
        for group in groups:
            either.setdefault(group, []).append(intent)
        for child in children:
            about.setdefault(child, []).append(intent)
        if not children and not groups:
            nobody.append(said.intent)
    if not set(meaning.intents) & set(WHEREABOUTS) and (instead := whom.put_right(meaning.words, known)):
        about.setdefault(instead, []).append(Intent.MISSING)
        doubtful = True
    return Meant(
        {child: _settled(intents) for child, intents in about.items()},
        _settled(nobody),
        overall.children,
        doubtful,
        {group: _settled(intents) for group, intents in either.items()},
        overall.somebody_else,
    )


def _singled_out(
    intent: Intent, children: tuple[ChildId, ...], groups: tuple[tuple[ChildId, ...], ...], scene: Scene
) -> tuple[tuple[ChildId, ...], tuple[tuple[ChildId, ...], ...]]:
    """Of those called alike the one in question, where there is one; the groups of which there is none."""
    left = []
    for group in groups:
        one = _the_one_in_question(intent, whose.among(scene, group))
        children = (*children, *one)
        left += [] if one else [group]
    return children, tuple(left)


def _as_theirs(
    said: Said, children: tuple[ChildId, ...], known: list[whom.Known], scene: Scene
) -> tuple[Intent, tuple[ChildId, ...]]:
    """That Karen is back is no return of theirs; of a child that is missing it may still be news."""
    if said.intent not in STANDS_DOWN or whom.may_be(said.subject, known):
        return said.intent, children
    return Intent.UNCLEAR, tuple(child for child in children if scene.by_id(child).standing.open)


def _alike(named: whom.Named, overall: whom.Named, scene: Scene) -> tuple[tuple[ChildId, ...], ...]:
    """By code, those who have one in common that stands in these words, or in the text where these words name nobody."""
    here = named.alike or (() if named.children or named.somebody_else else overall.alike)
    groups: dict[str, list[ChildId]] = {}
    for child in here:
        groups.setdefault(whom.plain_code(scene.by_id(child).code), []).append(child)
    return tuple(tuple(each) for each in groups.values())


def _children(
    said: Said, named: whom.Named, overall: whom.Named, scene: Scene, meaning: Meaning
) -> tuple[ChildId, ...]:
    """A name nearby counts; a code that is none of the speaker's children's means that it is none of them."""
    if named.somebody_else or named.several or named.children or named.alike:
        return named.children
    if overall.somebody_else or overall.several:
        return ()
    if overall.children:
        whereabouts = {each.intent for each in meaning.said if each.intent in WHEREABOUTS}
        alone = len(overall.children) == 1 or len(whereabouts) < 2
        return overall.children if alone or said.intent in REPORTS else ()
    if overall.alike:
        return ()
    if len(scene.children) == 1:
        return (scene.children[0].child,)
    return _the_one_in_question(said.intent, scene)


def _the_one_in_question(intent: Intent, scene: Scene) -> tuple[ChildId, ...]:
    """Of several children the only one that is missing, except for a plain MISSING: that may well be another."""
    if intent is Intent.MISSING:
        return ()
    returned = [each for each in scene.children if each.standing.state == "returned"]
    candidates = scene.open or (returned if intent is Intent.NOT_BACK else ())
    unnamed = any(each.child is None for each in scene.provisionals)
    return (candidates[0].child,) if len(candidates) == 1 and not unnamed else ()


def _settled(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """One of missing, back and false alarm: the last said, but back outweighs a false alarm, for its duties are more."""
    said = list(intents)
    reports = [index for index, each in enumerate(said) if each in REPORTS]
    returns = [index for index, each in enumerate(said) if each is Intent.BACK]
    alarms = [index for index, each in enumerate(said) if each is Intent.FALSE_ALARM]
    if reports and reports[-1] > max([*returns, *alarms, -1]):
        keep = said[reports[-1]]
    elif returns:
        keep = Intent.BACK
    else:
        keep = Intent.FALSE_ALARM
    dropped = {*REPORTS, Intent.BACK, Intent.FALSE_ALARM} - {keep}
    if keep is Intent.BACK and returns:
        dropped |= {Intent.LOCATED, Intent.SEEN, Intent.CONTACT}
    if keep in REPORTS:
        dropped |= {Intent.SEEN, Intent.CONTACT}
    if len(set(said)) > 1:
        dropped |= {Intent.UNCLEAR}
    return tuple(dict.fromkeys(each for each in said if each not in dropped))
