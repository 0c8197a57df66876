"""Applies the outcomes of a telling, in any order and any number of times: no lesser state replaces a better one."""

from datetime import datetime, timedelta

from services.protocol.policy.case import OPEN_STATES, DutyOfCase, Telling
from services.protocol.policy.draft import Draft
from services.protocol.policy.duties.steps import advance_after_failure, end, rest, rest_on_claim, schedule
from services.protocol.policy.duties.tellings import authority_of, call_back, is_ended_by_reference, kind_of_duty
from services.safeguarding.duty.decisions import GOES_ON, DutyState, Verdict
from services.safeguarding.duty.duties import (
    Because,
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyFailed,
    Outcome,
    ProfessionalNotify,
)
from services.safeguarding.roles import Role

RINGING_TAKES = timedelta(minutes=20)
"""So long has whoever answers in the place of police about a missing child, where the rule does not say."""
RANK = {"told": 0, "withdrawn": 1, "accepted": 2, "delivered": 3, "failed": 4, "acknowledged": 5}


def apply_outcome(draft: Draft, outcome: Outcome) -> None:
    duty = draft.duties.get(outcome.duty)
    telling = None if duty is None else duty.telling(outcome.step)
    if duty is not None and isinstance(outcome, DutyAcknowledged) and outcome.step < duty.told:
        telling = telling or duty.tellings[-1]
    if duty is None or telling is None or _is_of_former_authority(draft, duty, telling, outcome):
        draft.note(Verdict.OUTGROWN, episode=outcome.episode, duty=outcome.duty)
        return
    if isinstance(outcome, DutyAcknowledged):
        _mark_acknowledged(draft, duty, telling, outcome)
    elif isinstance(outcome, DutyFailed):
        _mark_failed(draft, duty, telling, outcome)
    elif isinstance(outcome, DutyAccepted | DutyDelivered):
        state = "accepted" if isinstance(outcome, DutyAccepted) else "delivered"
        _mark_taken(draft, duty, telling, state, outcome)


def _is_of_former_authority(draft: Draft, duty: DutyOfCase, telling: Telling, outcome: Outcome) -> bool:
    """After a transfer the receiver's people have the duty, and no word of the others ends or rests it. Police, carers
    and invited agencies stay who they were, and so does a call that was made.
    """
    if not isinstance(outcome, DutyAcknowledged) or outcome.how == "phoned":
        return False
    is_professional = kind_of_duty(telling.role, telling.channel) is ProfessionalNotify
    return is_professional and outcome.authority != authority_of(draft, duty)


def _mark_taken(
    draft: Draft, duty: DutyOfCase, telling: Telling, state: str, outcome: DutyAccepted | DutyDelivered
) -> None:
    if RANK[state] <= RANK[telling.state]:
        draft.note(Verdict.ALREADY_SO, episode=duty.episode, duty=duty.duty)
        return
    if telling.state == "withdrawn":
        draft.late.append((duty.duty, telling.step))
    duty = _with_telling(duty, telling, state, draft.happened.time, outcome.person)
    draft.note(Verdict.CHANGED, episode=duty.episode, duty=duty.duty)
    _close_if_enough(draft, _mark_accepted(draft, duty, telling))


def _mark_accepted(draft: Draft, duty: DutyOfCase, telling: Telling) -> DutyOfCase:
    """Only the first recipient counts: a manager's text that was taken does not mean that police have the notice."""
    if duty.accepted or not _is_first_recipient(duty, telling):
        return duty
    draft.became.append((duty.duty, "accepted"))
    state = DutyState.ACCEPTED if duty.state == DutyState.OPEN else duty.state
    return duty.model_copy(update={"accepted": True, "state": state})


def _close_if_enough(draft: Draft, duty: DutyOfCase) -> None:
    if duty.accepted and duty.goes_on and draft.rule_of(duty).enough == "accepted":
        duty = duty.model_copy(update={"state": DutyState.ACCEPTED, "ended_because": "accepted-is-enough"})
    schedule(draft, duty)


def _mark_acknowledged(draft: Draft, duty: DutyOfCase, telling: Telling, outcome: DutyAcknowledged) -> None:
    if telling.state == "acknowledged" and not (duty.goes_on and outcome.how == "phoned"):
        draft.note(Verdict.ALREADY_SO, episode=duty.episode, duty=duty.duty)
        return
    if outcome.claimed and _is_searched_for(draft, duty):
        _mark_claimed(draft, duty, telling, outcome)
        return
    if telling.state == "withdrawn":
        draft.late.append((duty.duty, telling.step))
    duty = _with_telling(duty, telling, "acknowledged", draft.happened.time, outcome.by)
    by_first = _is_first_recipient(duty, telling)
    reached_first = by_first or outcome.how == "phoned"
    if reached_first:
        duty = _mark_accepted(draft, duty, duty.tellings[0])
    draft.note(Verdict.CHANGED, episode=duty.episode, duty=duty.duty)
    if duty.state not in GOES_ON:
        if reached_first and is_ended_by_reference(draft, duty):
            draft.became.append((duty.duty, "acknowledged"))
            duty = duty.model_copy(update={"state": DutyState.ACKNOWLEDGED})
        schedule(draft, duty)
        return
    rule = draft.rule_of(duty)
    of_police = duty.role is Role.POLICE_CONTROL_ROOM and _is_searched_for(draft, duty)
    length = rule.rests or (RINGING_TAKES if of_police else None)
    if length is not None and (rule.enough == "done" or not reached_first):
        rest(draft, duty, rule, telling, length)
        return
    draft.became.append((duty.duty, "acknowledged"))
    duty = duty.model_copy(update={"state": DutyState.ACKNOWLEDGED, "ended_because": str(Because.ANSWERED)})
    schedule(draft, _withdraw_later_ones(draft, duty) if by_first else duty)


def _is_searched_for(draft: Draft, duty: DutyOfCase) -> bool:
    episode = draft.episode_of(duty.episode)
    return episode is not None and episode.state in OPEN_STATES


def _mark_claimed(draft: Draft, duty: DutyOfCase, telling: Telling, outcome: DutyAcknowledged) -> None:
    """Somebody says that they have it, and may be anybody: the duty rests a little, once, and goes on as it would."""
    if telling.claimed or telling.state == "withdrawn" or not duty.goes_on:
        draft.note(Verdict.ALREADY_SO, episode=duty.episode, duty=duty.duty)
        return
    draft.note(Verdict.CHANGED, episode=duty.episode, duty=duty.duty)
    rested = any(each.claimed for each in duty.tellings)
    claimed = telling.model_copy(update={"claimed": True, "person": outcome.by or telling.person})
    rest_on_claim(draft, duty.with_telling(claimed), telling, rested=rested)


def _withdraw_later_ones(draft: Draft, duty: DutyOfCase) -> DutyOfCase:
    """The first recipient has answered: withdraws the tellings to others in their place."""
    later = [each for each in duty.tellings if each.state == "told" and not _is_first_recipient(duty, each)]
    return call_back(draft, duty, later, Because.ANSWERED)


def _mark_failed(draft: Draft, duty: DutyOfCase, telling: Telling, outcome: DutyFailed) -> None:
    if RANK[telling.state] >= RANK["failed"]:
        draft.note(Verdict.ALREADY_SO, episode=duty.episode, duty=duty.duty)
        return
    withdrawn = telling.state == "withdrawn"
    duty = _with_telling(duty, telling, "failed", draft.happened.time, outcome.person)
    draft.note(Verdict.CHANGED, episode=duty.episode, duty=duty.duty)
    if _is_first_recipient(duty, telling) and not _someone_else_took_it(duty):
        duty = duty.model_copy(update={"accepted": False})
    if outcome.reason == "exercise":
        end(draft, duty, Because.CLOSED)
        return
    draft.became.append((duty.duty, "failed"))
    goes_on = duty.state in GOES_ON and not (duty.accepted and draft.rule_of(duty).enough == "accepted")
    if not goes_on or withdrawn or telling.step != duty.told - 1:
        schedule(draft, duty)
        return
    state = DutyState.OPEN if duty.state == DutyState.ACCEPTED and not duty.accepted else duty.state
    because = Because.NOBODY_IN_ROLE if outcome.reason == "nobody-in-role" else Because.FAILED
    advance_after_failure(draft, duty.model_copy(update={"state": state, "ended_because": None}), because)


def _is_first_recipient(duty: DutyOfCase, telling: Telling) -> bool:
    return telling.step == 0 or (
        telling.role == duty.role and telling.channel == duty.channel and telling.wording == duty.wording
    )


def _someone_else_took_it(duty: DutyOfCase) -> bool:
    return any(
        each.state in ("accepted", "delivered", "acknowledged")
        for each in duty.tellings
        if _is_first_recipient(duty, each)
    )


def _with_telling(duty: DutyOfCase, telling: Telling, state: str, at: datetime, person: str | None) -> DutyOfCase:
    changed = telling.model_copy(update={"state": state, "changed_at": at, "person": person or telling.person})
    return duty.with_telling(changed)
