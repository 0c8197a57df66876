"""Asks a sender to confirm what would end a search, and takes the code that confirms it (docs/decisions/0039).

No text ends, withdraws or weakens anything. It makes a claim, and the reply holds a code that only the sender's own handset gets.
The code from the same number is the proof.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from services.carers.policy import human
from services.carers.policy.answer import Answer
from services.carers.policy.claim import Claim, Claimed, ClaimKind, OpenClaim
from services.carers.policy.scene import Act, Child, Decision, TextContext
from services.carers.understanding import confirmations, whom
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof
from services.safeguarding.identifiers import ChildId

WRONG_CODES_AN_HOUR = 5
"""Beyond this a guesser may be at work: no code counts, and a person rings the carer."""
ENDS = frozenset({Intent.BACK, Intent.FALSE_ALARM})
PLAIN = ENDS | {Intent.ACKNOWLEDGE, Intent.THANKS, Intent.UNCLEAR}


def claim_return(child: Child, scene: TextContext) -> Decision:
    """The word of this child's own carer, or of duty staff about what they were told of."""
    if child.standing.state == "returned":
        return Decision(_acts(events.ChildReturnClaimed, (child.child,), child, scene), Answer.BACK_ALREADY)
    subjects = (child.child, *provisionals_of(child, scene))
    acts = _acts(events.ChildReturnClaimed, subjects, child, scene)
    if child.standing.ends_on_word:
        return Decision(acts, Answer.BACK_BY_WORD, child.standing, ended=subjects[1:])
    reported = len(subjects) > 1 or child.standing.open
    answer = Answer.BACK_CLAIMED if reported else Answer.BACK_UNREPORTED
    return Decision(acts, answer, child.standing, claims=(_claim("return", subjects, child, scene),))


def claim_false_alarm(child: Child, scene: TextContext) -> Decision:
    """Without an open report there is nothing to take back: the protocol has a person find out what was meant."""
    subjects = (child.child, *provisionals_of(child, scene))
    acts = _acts(events.MissingRetractionClaimed, subjects, child, scene)
    claim = _claim("retraction", subjects, child, scene)
    return Decision(acts, Answer.FALSE_ALARM_CLAIMED, child.standing, claims=(claim,))


def ask_for_each(children: Sequence[Child], scene: TextContext) -> tuple[Claim, ...]:
    """A code a child, where somebody is back and nobody has said who."""
    return tuple(replace(_claim("return", (child.child,), child, scene.of(child)), apart=True) for child in children)


def provisionals_of(child: Child, scene: TextContext) -> tuple[ChildId, ...]:
    """Reports by the same number that were about this child, and that began without its name."""
    found = (each.provisional for each in scene.provisionals if child.child in {each.child, each.provisional})
    return tuple(each for each in found if each != child.child)


def confirm(meaning: Meaning, scene: TextContext) -> Decision | None:
    """None where no code of ours stands in the text: then it is read like any other."""
    quoted = [each for each in scene.claims if confirmations.quotes(meaning.words, each.code)]
    if not quoted:
        return _guessed(meaning, scene)
    if REPORTS & set(meaning.intents):
        return None
    held = scene.wrong_codes_this_hour >= WRONG_CODES_AN_HOUR
    if held or _names_another(meaning, quoted, scene):
        return _wrong(scene, Answer.CODES_HELD if held else Answer.CODE_WRONG)
    live = [each for each in quoted if each.live]
    if not live:
        return _of_old(quoted, scene)
    if not _is_plain(meaning, quoted, scene):
        return _asked_plainly(live, scene)
    confirmed = _confirmed(_named(meaning, live, scene), meaning, scene)
    dead = [each for each in quoted if not each.live and not each.confirmed]
    return human.also_escalate(confirmed, scene, "code-not-valid") if dead else confirmed


def hold_codes(decision: Decision, scene: TextContext) -> Decision:
    """While somebody guesses at this number's codes none is texted that would not count."""
    if not decision.claims or scene.wrong_codes_this_hour < WRONG_CODES_AN_HOUR:
        return decision
    return replace(decision, claims=(), answer=Answer.CODES_HELD)


def _confirmed(live: Sequence[OpenClaim], meaning: Meaning, scene: TextContext) -> Decision:
    """Where the text says "back" of what was claimed a false alarm it is a return: more follows from that."""
    acts = tuple(Act(each.subject, _proven(each, meaning)) for each in live)
    practised = any(each.kind == "practice" for each in live)
    alarms = all(isinstance(act.content, events.ReportRetracted) for act in acts)
    answer = Answer.PRACTICE_OVER if practised else Answer.FALSE_ALARM if alarms else Answer.BACK
    return Decision(
        acts,
        answer,
        ended=tuple(each.subject for each in live if each.subject.startswith("provisional-")),
        confirmed=tuple(live),
        which=tuple(each.code for each in scene.known if each.child in {claim.subject for claim in live}),
        stage="practised" if practised else None,
        exercise=practised,
        answered=True,
    )


def _proven(claim: OpenClaim, meaning: Meaning) -> events.ToldOfEpisode:
    told: dict[str, Any] = {
        "authority": claim.authority,
        "said_by": claim.person,
        "channel": "text",
        "episode": claim.episode,
        "proof": Proof.HANDSET,
    }
    if claim.kind == "return" or (claim.kind == "retraction" and Intent.BACK in meaning.intents):
        return events.ChildReturned(**told)
    return events.ReportRetracted(**told, retracts="missing")


def _is_plain(meaning: Meaning, quoted: Sequence[OpenClaim], scene: TextContext) -> bool:
    if meaning.doubtful or not set(meaning.intents) <= PLAIN:
        return False
    codes = [each.code for each in quoted]
    beside = {word for each in scene.known for word in whom.words_for(_known(each))}
    return bool(ENDS & set(meaning.intents)) or confirmations.only_confirms(meaning.words, codes, beside)


def _names_another(meaning: Meaning, quoted: Sequence[OpenClaim], scene: TextContext) -> bool:
    """It names a child that the code is not for."""
    named, subjects = (
        whom.named(meaning.words, [_known(each) for each in scene.known]),
        {each.subject for each in quoted},
    )
    others = bool(set(named.children) - subjects) or bool(named.alike and not subjects & set(named.alike))
    return named.somebody_else or others


def _named(meaning: Meaning, live: Sequence[OpenClaim], scene: TextContext) -> list[OpenClaim]:
    """Of a code for several children those that the text names, or all of them."""
    named = whom.named(meaning.words, [_known(each) for each in scene.known])
    children = {*named.children, *named.alike}
    return [each for each in live if not children or each.subject in children]


def _of_old(quoted: Sequence[OpenClaim], scene: TextContext) -> Decision:
    """A code that has been used changes nothing. One that is too old makes the claim anew, and a person hears of it."""
    if all(each.confirmed for each in quoted):
        return Decision(answer=Answer.PRACTICE_OVER if quoted[0].kind == "practice" else Answer.BACK_ALREADY)
    old = [each for each in quoted if not each.confirmed and each.kind != "practice"]
    if not old:
        return Decision(answer=Answer.PRACTICE_HOW)
    children = [_child_of(each, scene) for each in old]
    ask = claim_return if old[0].kind == "return" else claim_false_alarm
    parts = [ask(child, scene.of(child)) for child in {each.child: each for each in children}.values()]
    again = Decision(
        tuple(act for part in parts for act in part.acts),
        parts[0].answer,
        parts[0].standing,
        claims=merged(claim for part in parts for claim in part.claims),
    )
    return human.also_escalate(again, scene, "code-not-valid")


def _child_of(claim: OpenClaim, scene: TextContext) -> Child:
    known = next((each for each in scene.known if each.child == claim.subject), Child(claim.subject, ""))
    return replace(known, episode=claim.episode, authority=claim.authority, person=claim.person)


def _asked_plainly(live: Sequence[OpenClaim], scene: TextContext) -> Decision:
    """Words beside the code may say that it is otherwise: a person reads them, and the code is asked for alone."""
    claims = tuple(Claim(kind, _again(live, kind, scene)) for kind in dict.fromkeys(each.kind for each in live))
    acts = tuple(
        human.needed(scene.of(_child_of(each, scene)), "not-understood", each.subject)
        for each in {each.authority: each for each in reversed(live)}.values()
    )
    return Decision(acts, Answer.CONFIRM_PLAINLY, claims=claims)


def _again(live: Sequence[OpenClaim], kind: ClaimKind, scene: TextContext) -> tuple[Claimed, ...]:
    codes = {each.child: each.code for each in scene.known}
    return tuple(
        Claimed(each.subject, codes.get(each.subject, ""), each.authority, each.person, each.episode)
        for each in live
        if each.kind == kind
    )


def _guessed(meaning: Meaning, scene: TextContext) -> Decision | None:
    """Something like a code that we never texted to this number, while we wait for one."""
    if not any(each.live for each in scene.claims) or REPORTS & set(meaning.intents):
        return None
    if not confirmations.has_other_code(meaning.words, [each.code for each in scene.known]):
        return None
    return _wrong(scene)


def _wrong(scene: TextContext, answer: Answer = Answer.CODE_WRONG) -> Decision:
    return Decision(human.to_human(scene, "code-not-valid").acts, answer, wrong_code=answer is Answer.CODE_WRONG)


def merged(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """One code for all of whom the same text claims the same."""
    apart: list[Claim] = []
    about: dict[ClaimKind, dict[ChildId, Claimed]] = {}
    for claim in claims:
        if claim.apart:
            apart.append(claim)
            continue
        for each in claim.about:
            about.setdefault(claim.kind, {}).setdefault(each.subject, each)
    return (*(Claim(kind, tuple(of_kind.values())) for kind, of_kind in about.items()), *apart)


def _acts(
    kind: type[events.ToldOfEpisode], subjects: Sequence[ChildId], child: Child, scene: TextContext
) -> tuple[Act, ...]:
    content = kind(authority=scene.authority, said_by=scene.person, channel="text", episode=child.episode)
    return tuple(Act(subject, content) for subject in dict.fromkeys(subjects))


def _claim(kind: ClaimKind, subjects: Sequence[ChildId], child: Child, scene: TextContext) -> Claim:
    about = tuple(
        Claimed(subject, child.code if subject == child.child else "", scene.authority, scene.person, child.episode)
        for subject in dict.fromkeys(subjects)
    )
    return Claim(kind, about)


def _known(child: Child) -> whom.Known:
    return whom.Known(child.child, child.code, child.names)
