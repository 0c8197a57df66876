"""Reads decisions of the Home Office, a tribunal or the national referral mechanism, which may raise the risk."""

from datetime import date

from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.readings.care import record_changed, start_watch
from services.protocol.policy.rule_engine.waits import supersede
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import events, plan_events
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.message import Message

NEGATIVE = {
    events.AsylumOutcome.REFUSED: Trigger.DECISION_REFUSED,
    events.AsylumOutcome.UASC_LEAVE: Trigger.DECISION_UASC_LEAVE,
}


def _read_asylum(draft: Draft, event: events.AsylumDecisionRecorded) -> list[Reading]:
    trigger = NEGATIVE.get(event.outcome)
    if event.corrects and trigger is not None:
        return _corrected(draft, trigger)
    return start_watch(draft, trigger)


def _corrected(draft: Draft, trigger: Trigger) -> list[Reading]:
    """Periods run from the corrected day; the watch stays as it was."""
    for waiting in list(draft.waiting.values()):
        rule = draft.rule_of(waiting)
        if trigger in rule.on and waiting.stood_down is None and waiting.cause.exercise == draft.happened.exercise:
            supersede(draft, waiting)
    return [Reading(trigger, None)]


def _read_appeal(draft: Draft, event: events.AppealDecided) -> list[Reading]:
    return start_watch(draft, Trigger.APPEAL_DISMISSED if event.result == "dismissed" else None)


def _read_nrm(draft: Draft, event: events.NrmDecisionRecorded) -> list[Reading]:
    """A decision implies a referral, whether or not we heard of one."""
    decided = Reading(Trigger.NRM_DECIDED, None)
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    if event.positive:
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
        first = event.stage == "reasonable-grounds"
        return [decided, *([Reading(Trigger.NRM_REASONABLE_GROUNDS, None)] if first else [])]
    if event.stage == "conclusive-grounds":
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time, on=False)
    return [decided, *start_watch(draft, Trigger.NRM_NEGATIVE)]


def _read_granted(draft: Draft, event: events.LeaveGranted) -> list[Reading]:
    if event.expires_on is None and not draft.happened.exercise:
        draft.leave_expires_on = None
    return _runs_out(draft, Trigger.LEAVE_GRANTED, event.expires_on)


def _read_expiring(draft: Draft, event: plan_events.LeaveExpiring) -> list[Reading]:
    return _runs_out(draft, Trigger.LEAVE_EXPIRING, event.expires_on)


def _runs_out(draft: Draft, trigger: Trigger, on: date | None) -> list[Reading]:
    """A known day sets off nothing: it is counted down to already, or an application extends the leave (3C)."""
    if draft.happened.exercise or on is None:
        return [Reading(trigger, None)]
    if on == draft.leave_expires_on:
        return [Reading(None, None, Verdict.ALREADY_SO)]
    draft.leave_expires_on = on
    return [Reading(trigger, None)]


def _read_application_ended(draft: Draft, event: events.LeaveApplicationEnded) -> list[Reading]:
    """A grant changes nothing here: `leave.granted` brings the new date."""
    if event.result == "granted":
        return [Reading(None, None, Verdict.CHANGED)]
    refused = start_watch(draft, Trigger.EXTENSION_REFUSED) if event.result == "refused" else []
    return [Reading(Trigger.LEAVE_APPLICATION_ENDED, None), *refused]


def _read_reviewed(draft: Draft, event: events.WatchReviewed) -> list[Reading]:
    if draft.watched_since is None or draft.happened.time < draft.watched_since:
        return [Reading(None, None, Verdict.OUTGROWN)]
    if not draft.happened.exercise:
        draft.watched_since = draft.happened.time if event.goes_on else None
    return [Reading(Trigger.WATCH_OPENED if event.goes_on else Trigger.WATCH_ENDED, None)]


READERS: dict[type[Message], Reader] = {
    events.AsylumDecisionRecorded: _read_asylum,
    events.AppealDecided: _read_appeal,
    events.NrmDecisionRecorded: _read_nrm,
    events.LeaveGranted: _read_granted,
    events.LeaveApplicationRecorded: lambda _draft, _event: [Reading(Trigger.LEAVE_APPLICATION_RECORDED, None)],
    events.LeaveApplicationEnded: _read_application_ended,
    events.WatchReviewed: _read_reviewed,
    plan_events.WatchTalkPlanned: lambda _draft, _event: [Reading(Trigger.WATCH_TALK_PLANNED, None)],
    plan_events.LeaveExpiring: _read_expiring,
    events.ChildRecordChanged: record_changed,
}
