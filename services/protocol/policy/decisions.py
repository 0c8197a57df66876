"""What the Home Office, a tribunal or the national referral mechanism has decided, and what it means for the child's risk."""

from collections.abc import Callable
from datetime import date
from typing import Any

from services.protocol.policy.care import record_changed, watched
from services.protocol.policy.draft import Draft
from services.protocol.policy.replies import Reading
from services.protocol.policy.vocabulary import Mark, Trigger
from services.protocol.policy.waits import supersede
from services.safeguarding import events, plan_events
from services.safeguarding.decisions import Verdict
from services.safeguarding.message import Message

NEGATIVE = {
    events.AsylumOutcome.REFUSED: Trigger.DECISION_REFUSED,
    events.AsylumOutcome.UASC_LEAVE: Trigger.DECISION_UASC_LEAVE,
}


def _asylum(draft: Draft, event: events.AsylumDecisionRecorded) -> list[Reading]:
    trigger = NEGATIVE.get(event.outcome)
    if event.corrects and trigger is not None:
        return _corrected(draft, trigger)
    return watched(draft, trigger)


def _corrected(draft: Draft, trigger: Trigger) -> list[Reading]:
    """The periods are reckoned from the corrected day; the watch stands as it was."""
    for waiting in list(draft.waiting.values()):
        rule = draft.rule_of(waiting)
        if trigger in rule.on and waiting.stood_down is None and waiting.cause.exercise == draft.happened.exercise:
            supersede(draft, waiting)
    return [Reading(trigger, None)]


def _appeal(draft: Draft, event: events.AppealDecided) -> list[Reading]:
    return watched(draft, Trigger.APPEAL_DISMISSED if event.result == "dismissed" else None)


def _nrm(draft: Draft, event: events.NrmDecisionRecorded) -> list[Reading]:
    """Nothing is decided without a referral, whether or not we heard of it."""
    decided = Reading(Trigger.NRM_DECIDED, None)
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    if event.positive:
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
        first = event.stage == "reasonable-grounds"
        return [decided, *([Reading(Trigger.NRM_REASONABLE_GROUNDS, None)] if first else [])]
    if event.stage == "conclusive-grounds":
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time, on=False)
    return [decided, *watched(draft, Trigger.NRM_NEGATIVE)]


def _granted(draft: Draft, event: events.LeaveGranted) -> list[Reading]:
    return _runs_out(draft, Trigger.LEAVE_GRANTED, event.expires_on)


def _expiring(draft: Draft, event: plan_events.LeaveExpiring) -> list[Reading]:
    return _runs_out(draft, Trigger.LEAVE_EXPIRING, event.expires_on)


def _runs_out(draft: Draft, trigger: Trigger, on: date | None) -> list[Reading]:
    """A day that is known is counted down to already, or no longer: an application that is in keeps leave going (3C)."""
    if draft.happened.exercise or on is None:
        return [Reading(trigger, None)]
    if on == draft.leave_expires_on:
        return [Reading(None, None, Verdict.ALREADY_SO)]
    draft.leave_expires_on = on
    return [Reading(trigger, None)]


def _application_ended(draft: Draft, event: events.LeaveApplicationEnded) -> list[Reading]:
    """Granted: `leave.granted` brings the new date."""
    if event.result == "granted":
        return [Reading(None, None, Verdict.CHANGED)]
    refused = watched(draft, Trigger.EXTENSION_REFUSED) if event.result == "refused" else []
    return [Reading(Trigger.LEAVE_APPLICATION_ENDED, None), *refused]


def _reviewed(draft: Draft, event: events.WatchReviewed) -> list[Reading]:
    if draft.watched_since is None or draft.happened.time < draft.watched_since:
        return [Reading(None, None, Verdict.OUTGROWN)]
    if not draft.happened.exercise:
        draft.watched_since = draft.happened.time if event.goes_on else None
    return [Reading(Trigger.WATCH_OPENED if event.goes_on else Trigger.WATCH_ENDED, None)]


READERS: dict[type[Message], Callable[[Draft, Any], list[Reading]]] = {
    events.AsylumDecisionRecorded: _asylum,
    events.AppealDecided: _appeal,
    events.NrmDecisionRecorded: _nrm,
    events.LeaveGranted: _granted,
    events.LeaveApplicationRecorded: lambda _draft, _event: [Reading(Trigger.LEAVE_APPLICATION_RECORDED, None)],
    events.LeaveApplicationEnded: _application_ended,
    events.WatchReviewed: _reviewed,
    plan_events.WatchTalkPlanned: lambda _draft, _event: [Reading(Trigger.WATCH_TALK_PLANNED, None)],
    plan_events.LeaveExpiring: _expiring,
    events.ChildRecordChanged: record_changed,
}
