"""Whom each thing said is about."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def meant(meaning: Meaning, scene: Scene) -> Meant:
    known = [whom.Known(each.child, each.code, each.names) for each in scene.children]
    overall = whom.named(meaning.words, known)
    about: dict[ChildId, list[Intent]] = {}
    nobody: list[Intent] = []
    doubtful = False
    for said in meaning.said:
        if said.intent not in OF_A_CHILD:
            continue
        named = whom.named(said.words, known)
        if said.if_named and not named.children:
            continue
        children = _children(said, named, overall, scene, meaning)
        if len(named.children) > 1 and said.intent in WHEREABOUTS and (said.mixed or not named.together):
            children, doubtful = (), True
        intent = said.intent
        if intent in STANDS_DOWN and not whom.may_be(said.subject, known):
            # "Karen is back" is no return of theirs; of a child that is missing it may still be news.
            children = tuple(child for child in children if scene.by_id(child).standing.open)
            intent = Intent.UNCLEAR
            if not children:
                continue
        for child in children:
            about.setdefault(child, []).append(intent)
        if not children:
            nobody.append(said.intent)
    if not set(meaning.intents) & set(WHEREABOUTS) and (instead := whom.put_right(meaning.words, known)):
        about.setdefault(instead, []).append(Intent.MISSING)
        doubtful = True
    settled = {child: _settled(intents) for child, intents in about.items()}
    return Meant(settled, _settled(nobody), overall.children, doubtful)


def _children(
    said: Said, named: whom.Named, overall: whom.Named, scene: Scene, meaning: Meaning
) -> tuple[ChildId, ...]:
    """A name nearby counts; a code that is none of the speaker's children's means that it is none of them."""
    if named.somebody_else or named.several:
        return named.children
    if named.children:
        return named.children
    if overall.somebody_else or overall.several:
        return ()
    if overall.children:
        whereabouts = {each.intent for each in meaning.said if each.intent in WHEREABOUTS}
        alone = len(overall.children) == 1 or len(whereabouts) < 2
        return overall.children if alone or said.intent in REPORTS else ()
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
