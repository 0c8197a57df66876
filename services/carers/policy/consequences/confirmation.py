"""Asks a sender to confirm what would end a search, and takes the code that confirms it (docs/decisions/0039).

No text ends, withdraws or weakens anything. It makes a claim, and the reply holds a code that only the sender's own
handset gets. The code from the same number is the proof.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.carers.policy.consequences import escalation
from services.carers.policy.context import Child, ClaimKind, OpenClaim, TextContext
from services.carers.policy.decision import Act, Answer, Claim, ClaimedChild, Decision, merge_claims, tell
from services.carers.understanding import child_names, replies
from services.carers.understanding.meaning import REPORTS, Intent, Meaning
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof
from services.safeguarding.identifiers import ChildId

WRONG_CODES_AN_HOUR = 5
"""Beyond this a guesser may be at work: no code counts, and a person rings the carer."""
ENDS = frozenset({Intent.BACK, Intent.FALSE_ALARM})
ADDED = frozenset({Answer.MISSING_AGAIN, Answer.INFORMATION})
PLAIN = ENDS | {Intent.ACKNOWLEDGE, Intent.THANKS, Intent.UNCLEAR}


def claim_return(child: Child, context: TextContext) -> Decision:
    """A return claimed by the child's own carer, or by duty staff who were told about the episode."""
    if child.standing.state == "returned":
        acts = _build_acts(events.ChildReturnClaimed, (child.child,), child, context)
        return Decision(acts, Answer.BACK_ALREADY, (child.child,))
    subjects = (child.child, *list_provisionals(child, context))
    acts = _build_acts(events.ChildReturnClaimed, subjects, child, context)
    if child.standing.ends_on_word:
        return Decision(acts, Answer.BACK_BY_WORD, (child.child,), ended=subjects[1:])
    reported = len(subjects) > 1 or child.standing.open
    answer = Answer.BACK_CLAIMED if reported else Answer.BACK_UNREPORTED
    return Decision(acts, answer, subjects, claims=(_build_claim("return", subjects, child, context),))


def claim_false_alarm(child: Child, context: TextContext) -> Decision:
    """Without an open report there is nothing to confirm: the protocol has a person find out the meaning."""
    subjects = (child.child, *list_provisionals(child, context))
    acts = _build_acts(events.MissingRetractionClaimed, subjects, child, context)
    if len(subjects) == 1 and not child.standing.open:
        return Decision(acts, Answer.FALSE_ALARM_UNREPORTED, subjects)
    claim = _build_claim("retraction", subjects, child, context)
    return Decision(acts, Answer.FALSE_ALARM_CLAIMED, subjects, claims=(claim,))


def ask_for_each(children: Sequence[Child], context: TextContext) -> tuple[Claim, ...]:
    """One code for each child, where one is back and nobody has said which."""
    return tuple(
        replace(_build_claim("return", (child.child,), child, context.for_child(child)), apart=True)
        for child in children
    )


def list_provisionals(child: Child, context: TextContext) -> tuple[ChildId, ...]:
    """Reports by the same number that began without a name and were about this child."""
    found = (each.provisional for each in context.provisionals if child.child in {each.child, each.provisional})
    return tuple(each for each in found if each != child.child)


def confirm_by_code(meaning: Meaning, context: TextContext) -> Decision | None:
    """None where the text holds no code of a claim: it is then read like any other."""
    quoted = [each for each in context.claims if replies.quotes_code(meaning.words, each.code)]
    if not quoted:
        return _reject_guess(meaning, context)
    if REPORTS & set(meaning.intents):
        return None
    held = context.wrong_codes_this_hour >= WRONG_CODES_AN_HOUR
    if held or _names_another(meaning, quoted, context):
        return _reject_code(context, Answer.CODES_HELD if held else Answer.CODE_WRONG)
    live = [each for each in quoted if each.live]
    if not live:
        return _answer_old_code(quoted, context)
    if not _is_plain(meaning, quoted, context):
        return _ask_for_code_alone(live, context)
    confirmed = _apply_code(_select_named(meaning, live, context), meaning, context)
    dead = [each for each in quoted if not each.live and not each.confirmed]
    return escalation.also_escalate(confirmed, context, "code-not-valid") if dead else confirmed


def hold_codes(decision: Decision, context: TextContext) -> Decision:
    """Texts no code while too many wrong ones have come from this number, since none would count."""
    if not decision.claims or context.wrong_codes_this_hour < WRONG_CODES_AN_HOUR:
        return decision
    return replace(decision, claims=(), answer=Answer.CODES_HELD)


def void_codes(decision: Decision, meaning: Meaning, context: TextContext) -> Decision:
    """Whoever says that a child is missing, or not back, takes the power of everybody's codes for the child, however
    weakly they say so. Where they leave open who it is: for each whom it may be. They are told of the others' claims.
    """
    if not REPORTS & set(meaning.intents):
        return decision
    claimed = {one.subject for claim in decision.claims for one in claim.about}
    of_text = decision.subjects - claimed
    known = {each.child for each in context.known} | {each.provisional for each in context.provisionals}
    denied = of_text & known or known - claimed
    voided = replace(decision, denied=tuple(sorted({*decision.denied, *denied})))
    of_others = context.claimed_by_others & set(voided.denied)
    if voided.answer in ADDED and voided.about and of_others.issuperset(voided.about):
        return replace(voided, answer=Answer.CLAIM_VOIDED)
    return voided


def _apply_code(live: Sequence[OpenClaim], meaning: Meaning, context: TextContext) -> Decision:
    """A false alarm confirmed with the word "back" is a return, because more follows from a return."""
    acts = tuple(Act(each.subject, _build_proof(each, meaning)) for each in live)
    practised = any(each.kind == "practice" for each in live)
    alarms = all(isinstance(act.content, events.ReportRetracted) for act in acts)
    answer = Answer.PRACTICE_OVER if practised else Answer.FALSE_ALARM if alarms else Answer.BACK
    told = [act.subject for act in acts if alarms or isinstance(act.content, events.ChildReturned)]
    return Decision(
        acts,
        answer,
        tuple(told),
        ended=tuple(each.subject for each in live if each.subject.startswith("provisional-")),
        confirmed=tuple(live),
        which=tuple(each.code for each in context.known if each.child in {claim.subject for claim in live}),
        stage="practised" if practised else None,
        exercise=practised,
        answered=True,
    )


def _build_proof(claim: OpenClaim, meaning: Meaning) -> events.ToldOfEpisode:
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


def _is_plain(meaning: Meaning, quoted: Sequence[OpenClaim], context: TextContext) -> bool:
    if meaning.doubtful or not set(meaning.intents) <= PLAIN:
        return False
    codes = [each.code for each in quoted]
    return bool(ENDS & set(meaning.intents)) or replies.only_confirms(meaning.words, codes, _list_words(context))


def _list_words(context: TextContext) -> set[str]:
    """By which a text may call the children of the speaker. A child may be called No: the word denies all the same."""
    return {word for each in context.known for word in child_names.list_words(each)} - replies.REFUSES


def _names_another(meaning: Meaning, quoted: Sequence[OpenClaim], context: TextContext) -> bool:
    """Whether it names a child that the code is not for."""
    named = child_names.find_named(meaning.words, context.known)
    subjects = {each.subject for each in quoted}
    others = bool(set(named.children) - subjects) or bool(named.alike and not subjects & set(named.alike))
    return named.somebody_else or others


def _select_named(meaning: Meaning, live: Sequence[OpenClaim], context: TextContext) -> list[OpenClaim]:
    """The claims about the children that the text names, or all of them if it names none."""
    named = child_names.find_named(meaning.words, context.known)
    children = {*named.children, *named.alike}
    return [each for each in live if not children or each.subject in children]


def _answer_old_code(quoted: Sequence[OpenClaim], context: TextContext) -> Decision:
    """One that somebody's denial ended ends nothing, and a used one changes nothing. An expired one makes the claim
    anew, and a person is told; so does a used one whose child is missing again.
    """
    if any(each.denied for each in quoted):
        denied = {each.subject for each in quoted if each.denied}
        which = tuple(each.code for each in context.known if each.child in denied)
        return replace(_reject_code(context, Answer.CODE_VOID, counts=False), which=which)
    open_again = {each.child for each in context.known if each.standing.open}
    old = [each for each in quoted if not each.confirmed or (each.settled and each.subject in open_again)]
    if not old:
        if quoted[0].kind == "practice":
            return Decision(answer=Answer.PRACTICE_OVER)
        return Decision((), Answer.BACK_ALREADY, tuple(dict.fromkeys(each.subject for each in quoted)))
    old = [each for each in old if each.kind != "practice"]
    if not old:
        return Decision(answer=Answer.PRACTICE_HOW)
    children = [_find_child(each, context) for each in old]
    ask = claim_return if old[0].kind == "return" else claim_false_alarm
    parts = [ask(child, context.for_child(child)) for child in {each.child: each for each in children}.values()]
    again = Decision(
        tuple(act for part in parts for act in part.acts),
        parts[0].answer,
        tuple(child for part in parts if part.answer is parts[0].answer for child in part.about),
        claims=merge_claims(claim for part in parts for claim in part.claims),
    )
    return escalation.also_escalate(again, context, "code-not-valid")


def _find_child(claim: OpenClaim, context: TextContext) -> Child:
    known = next((each for each in context.known if each.child == claim.subject), Child(claim.subject, ""))
    episode = None if claim.confirmed else claim.episode
    return replace(known, episode=episode, authority=claim.authority, person=claim.person)


def _ask_for_code_alone(live: Sequence[OpenClaim], context: TextContext) -> Decision:
    """Other words beside the code may contradict it: a person reads them, and the sender is asked for the code only."""
    claims = tuple(
        Claim(kind, _repeat_claim(live, kind, context)) for kind in dict.fromkeys(each.kind for each in live)
    )
    acts = tuple(
        escalation.request_person(context.for_child(_find_child(each, context)), "not-understood", each.subject)
        for each in {each.authority: each for each in reversed(live)}.values()
    )
    return Decision(acts, Answer.CONFIRM_PLAINLY, claims=claims)


def _repeat_claim(live: Sequence[OpenClaim], kind: ClaimKind, context: TextContext) -> tuple[ClaimedChild, ...]:
    codes = {each.child: each.code for each in context.known}
    return tuple(
        ClaimedChild(each.subject, codes.get(each.subject, ""), each.authority, each.person, each.episode)
        for each in live
        if each.kind == kind
    )


def _reject_guess(meaning: Meaning, context: TextContext) -> Decision | None:
    """A text with something like a code, which we never texted to this number, while a claim waits for its code. Also
    after that, if it says nothing else: its sender believes that they have confirmed.
    """
    waiting = [each.code for each in context.claims if not each.confirmed]
    if not waiting or REPORTS & set(meaning.intents):
        return None
    codes, is_live = [each.code for each in context.known], any(each.live for each in context.claims)
    guessed = is_live and replies.has_other_code(meaning.words, codes)
    slipped = context.telling is None and set(meaning.intents) <= PLAIN - ENDS
    beside = _list_words(context)
    if guessed or (slipped and replies.is_only_a_slip(meaning.words, waiting, beside, loosely=is_live)):
        return _reject_code(context, counts=is_live)
    return None


def _reject_code(context: TextContext, answer: Answer = Answer.CODE_WRONG, *, counts: bool = True) -> Decision:
    """`counts`: as one of the wrong codes after which none is good for an hour."""
    wrong = counts and answer is Answer.CODE_WRONG
    return Decision(escalation.escalate(context, "code-not-valid").acts, answer, wrong_code=wrong)


def _build_acts(
    kind: type[events.ToldOfEpisode], subjects: Sequence[ChildId], child: Child, context: TextContext
) -> tuple[Act, ...]:
    return tuple(tell(subject, kind, context, episode=child.episode) for subject in dict.fromkeys(subjects))


def _build_claim(kind: ClaimKind, subjects: Sequence[ChildId], child: Child, context: TextContext) -> Claim:
    about = tuple(
        ClaimedChild(
            subject, child.code if subject == child.child else "", context.authority, context.person, child.episode
        )
        for subject in dict.fromkeys(subjects)
    )
    return Claim(kind, about)
