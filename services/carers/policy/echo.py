"""Composes the texts that answer: by the codes of the children they say back what was recorded, and who was not, to the
one person who can see a mistake.
"""

from collections.abc import Iterable, Sequence

from services.carers.policy.consequences.confirmation import WRONG_CODES_AN_HOUR
from services.carers.policy.context import ClaimKind, PoliceStand, Standing, TextContext
from services.carers.policy.decision import Answer, Claim, Decision, Reply, StatusLine, WaitingCode
from services.carers.policy.facts import Outcome
from services.carers.understanding import child_names
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.identifiers import ChildId

CLAIMED: dict[ClaimKind, Answer] = {
    "return": Answer.BACK_CLAIMED,
    "retraction": Answer.FALSE_ALARM_CLAIMED,
    "practice": Answer.PRACTICE_CONFIRM,
}
KINDS: dict[Answer, ClaimKind] = {
    **{answer: kind for kind, answer in CLAIMED.items()},
    Answer.BACK_UNREPORTED: "return",
}
ASKS_FOR_ALL = frozenset({Answer.BACK_EACH, Answer.CONFIRM_PLAINLY})
"""Such a reply asks for the codes of all claims."""
REPORTED = frozenset({Answer.MISSING, Answer.MISSING_AGAIN, Answer.MISSING_NAMED})
ENDED = frozenset({Answer.BACK, Answer.FALSE_ALARM})
NO_CODE = "C00"
"""No child has it, and no text that holds it names one."""


def compose_replies(decision: Decision, context: TextContext) -> tuple[Reply, ...]:
    """The answer, and one text more for each claim beside it that it does not ask for itself."""
    answer = decision.answer
    if answer is None:
        return ()
    asked = [claim for claim in decision.claims if answer in ASKS_FOR_ALL or claim.kind == KINDS.get(answer)]
    if answer in KINDS:
        asked = asked[:1]  # a text asks for one code; each further claim has a text of its own
    beside = [claim for claim in decision.claims if claim not in asked]
    outcome = Outcome.of(decision, context)
    first = _compose(answer, _list_about(decision, asked), asked, decision, outcome)
    further = [
        _compose(_answer_claim(claim, outcome), _list_subjects(claim), [claim], decision, outcome) for claim in beside
    ]
    if decision.last and answer is not Answer.LAST_ANSWER:
        further.append(_compose(Answer.LAST_ANSWER, (), (), decision, outcome))
    return first, *further


def list_lines(context: TextContext) -> tuple[StatusLine, ...]:
    """How each of the sender's children stands, those who stand alike in one line: first those searched for, the least
    far first.
    """
    found: dict[tuple[PoliceStand, bool, bool] | None, list[str]] = {}
    stands: dict[tuple[PoliceStand, bool, bool] | None, Standing | None] = {None: None}
    known = [(each.code, each.standing) for each in context.children]
    own = {standing.episode for _, standing in known} - {None}
    nameless = [each.standing for each in context.provisionals if each.child is None and each.standing.open]
    known += [("", standing) for standing in nameless if standing.episode not in own]
    for code, standing in known:
        alike = (standing.police, standing.duty_answered, standing.referred) if standing.open else None
        found.setdefault(alike, []).append(code)
        stands.setdefault(alike, standing)
    order = list(PoliceStand)
    ranked = sorted(
        found, key=lambda each: (len(order), False, False) if each is None else (order.index(each[0]), *each[1:])
    )
    return tuple(StatusLine(tuple(dict.fromkeys(found[each])), stands[each]) for each in ranked)


def _compose(
    answer: Answer, about: Sequence[ChildId], claims: Sequence[Claim], decision: Decision, outcome: "Outcome"
) -> Reply:
    context = outcome.context
    codes = {each.child: each.code for each in context.known if each.code}
    codes |= {each.provisional: codes[each.child] for each in context.provisionals if each.child in codes}
    own = [each for each in context.children if each.code]
    sought = [each.code for each in own if each.child not in about and outcome.is_open(each.child)]
    return Reply(
        answer,
        tuple(about),
        tuple(claims),
        named=tuple(dict.fromkeys(codes[each] for each in about if each in codes)),
        left=_list_left(about, decision, outcome) if answer in REPORTED else (),
        sought=tuple(sought) if answer in ENDED else (),
        several=len({child_names.simplify_code(each.code) for each in own}) > 1,
        example=own[0].code if own else NO_CODE,
        waiting=_list_waiting(decision, outcome),
    )


def _list_about(decision: Decision, asked: Sequence[Claim]) -> tuple[ChildId, ...]:
    if decision.answer is Answer.MISSING:  # of those reported again it is so as well
        reports = (act.subject for act in decision.acts if isinstance(act.content, ChildReportedMissing))
        return tuple(dict.fromkeys((*decision.about, *reports)))
    if decision.about or decision.answer not in KINDS:
        return decision.about
    return tuple(dict.fromkeys(child for claim in asked for child in _list_subjects(claim)))


def _list_subjects(claim: Claim) -> tuple[ChildId, ...]:
    return tuple(each.subject for each in claim.about)


def _list_left(about: Sequence[ChildId], decision: Decision, outcome: "Outcome") -> tuple[str, ...]:
    """Whom nobody searches for, and who is not said to be back."""
    claimed = {each.subject for claim in decision.claims for each in claim.about}
    passed = {*about, *claimed}
    return tuple(
        each.code
        for each in outcome.context.children
        if each.code and each.child not in passed and not outcome.is_open(each.child)
    )


def _answer_claim(claim: Claim, outcome: "Outcome") -> Answer:
    if claim.kind == "return" and not any(outcome.is_open(each.subject) for each in claim.about):
        return Answer.BACK_UNREPORTED
    return CLAIMED[claim.kind]


def _list_waiting(decision: Decision, outcome: "Outcome") -> tuple[WaitingCode, ...]:
    context = outcome.context
    wrong = context.wrong_codes_this_hour + decision.wrong_code
    if wrong >= WRONG_CODES_AN_HOUR:
        return ()
    codes = {each.child: each.code for each in context.known}
    over = {*decision.denied, *(claim.subject for claim in decision.confirmed)}
    found: dict[tuple[ClaimKind, str], list[str]] = {}
    for each in context.claims:
        if each.live and each.subject not in over:
            found.setdefault((each.kind, each.code), []).append(codes.get(each.subject, ""))
    return tuple(WaitingCode(kind, code, _without_empty(children)) for (kind, code), children in found.items())


def _without_empty(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in codes if each))
