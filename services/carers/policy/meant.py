"""Whom each thing said is about."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.carers.policy import antecedents
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
    about: dict[ChildId, list[Said]] = {}
    nobody: list[Said] = []
    doubtful = False
    for said in meaning.said:
        if said.intent not in OF_A_CHILD:
            continue
        named = whom.named(said.words, known)
        if said.if_named and not named.children and not named.left_out:
            continue
        children = _children(said, named, overall, scene, meaning)
        if len(named.children) > 1 and said.intent in WHEREABOUTS and (said.mixed or not named.together):
            children, doubtful = named.left_out if said.intent in REPORTS else (), not named.left_out
        if said.intent in STANDS_DOWN and not whom.may_be(said.subject, known):
            # "Karen is back" is no return of theirs; of a child that is missing it may still be news.
            children = tuple(child for child in children if scene.by_id(child).standing.open)
            said = Said(Intent.UNCLEAR, said.words)
            if not children:
                continue
        for child in children:
            about.setdefault(child, []).append(said)
        if not children:
            nobody.append(said)
    if not set(meaning.intents) & {*REPORTS, Intent.BACK} and (pair := whom.put_right(meaning.clauses, known)):
        wrong, instead = pair
        about = {instead: [Said(Intent.MISSING, meaning.words)]}
        if scene.by_id(wrong).standing.open:
            about[wrong] = [Said(Intent.FALSE_ALARM, meaning.words)]
        else:
            doubtful = True
    settled = {child: _settled(each, open_=scene.by_id(child).standing.open) for child, each in about.items()}
    return Meant(
        {child: intents for child, intents in settled.items() if intents},
        _settled(_unless_the_others(nobody, settled), open_=bool(scene.open or scene.provisionals)),
        overall.children,
        doubtful,
    )


def _unless_the_others(nobody: list[Said], settled: dict[ChildId, tuple[Intent, ...]]) -> list[Said]:
    """Where one is reported by name, those whom the text calls back are the others: nobody missed them."""
    if any(REPORTS & set(intents) for intents in settled.values()):
        return [each for each in nobody if each.intent is not Intent.BACK]
    return nobody


def _children(
    said: Said, named: whom.Named, overall: whom.Named, scene: Scene, meaning: Meaning
) -> tuple[ChildId, ...]:
    """A name nearby counts; a code that is none of the speaker's children's means that it is none of them."""
    if named.left_out and said.intent in REPORTS and not named.children:
        return named.left_out
    if named.somebody_else or named.children:
        return named.children
    if overall.somebody_else:
        return ()
    if len(scene.children) == 1:
        return (scene.children[0].child,)
    return antecedents.of(said, named, overall, scene, meaning)


def settled_return(said: Iterable[Said]) -> Intent:
    """Of one child: a report, a return or a false alarm, the last said, but a return outweighs a false alarm, for its duties are more."""
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


NOT_YET = re.compile(r"\bnot (?:\w+ )?(?:home|back)(?: yet)?$|\b(?:isnt|hasnt) (?:home|back)(?: yet)?$")


def _adds_nothing(keep: Intent, said: list[Said]) -> bool:
    """To where the child has been found: that it is safe, or not home yet."""
    if keep is Intent.BACK:
        return all(one.weak for one in said if one.intent is Intent.BACK)
    return keep is Intent.NOT_BACK and all(NOT_YET.search(one.words) for one in said if one.intent in REPORTS)


def _settled(said: Iterable[Said], *, open_: bool) -> tuple[Intent, ...]:
    """`open_`: the child is missing, as far as is known."""
    each = list(said)
    keep = settled_return(each)
    intents = [one.intent for one in each]
    if keep is Intent.BACK and not open_ and all(one.weak for one in each if one.intent is Intent.BACK):
        intents = [Intent.UNCLEAR if intent is Intent.BACK else intent for intent in intents]
    if Intent.LOCATED in intents and open_ and _adds_nothing(keep, each):
        keep = Intent.LOCATED
    dropped = {*REPORTS, Intent.BACK, Intent.FALSE_ALARM} - {keep}
    if keep is Intent.BACK and Intent.BACK in intents:
        dropped |= {Intent.LOCATED, Intent.SEEN, Intent.CONTACT}
    if keep in REPORTS or keep is Intent.LOCATED or Intent.FALSE_ALARM in set(intents) - dropped:
        dropped |= {Intent.SEEN, Intent.CONTACT}
    if len(set(intents)) > 1:
        dropped |= {Intent.UNCLEAR}
    return tuple(dict.fromkeys(intent for intent in intents if intent not in dropped))
