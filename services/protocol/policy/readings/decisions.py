"""Reads decisions of the Home Office, a tribunal or the national referral mechanism, which may raise the risk."""

from datetime import date

from services.protocol.policy.draft import Draft, Reader, Reading
from services.protocol.policy.readings.care import record_changed, start_watch
from services.protocol.policy.rule_engine.waits import supersede
from services.protocol.policy.rule_language.vocabulary import Mark, Trigger
from services.safeguarding.child_events import care_events, events
from services.safeguarding.duty.decisions import Verdict
from services.safeguarding.message import Message
from services.safeguarding.working_time import day_in_england

NEGATIVE = {
    events.AsylumOutcome.REFUSED: Trigger.DECISION_REFUSED,
    events.AsylumOutcome.UASC_LEAVE: Trigger.DECISION_UASC_LEAVE,
}


def _read_asylum(draft: Draft, event: events.AsylumDecisionRecorded) -> list[Reading]:
    """A correction counts the time to appeal from the corrected day; the watch stays as it was."""
    trigger = NEGATIVE.get(event.outcome)
    if trigger is None:
        return [Reading(verdict=Verdict.CHANGED) if event.corrects else Reading(Trigger.DECISION_GRANTED)]
    dated = Reading(Trigger.DECISION_UNDATED if event.sent_on is None else Trigger.DECISION_DATED)
    if not event.corrects:
        return [*start_watch(draft, trigger), dated]
    for waiting in list(draft.waiting.values()):
        of_decision = Trigger.DECISION_DATED in draft.rule_of(waiting).on and waiting.stood_down is None
        if of_decision and waiting.cause.exercise == draft.happened.exercise:
            supersede(draft, waiting)
    return [dated]


def _read_appeal(draft: Draft, event: events.AppealDecided) -> list[Reading]:
    dismissed = start_watch(draft, Trigger.APPEAL_DISMISSED) if event.result == "dismissed" else []
    return [Reading(Trigger.APPEAL_DECIDED), *dismissed]


def _read_nrm(draft: Draft, event: events.NrmDecisionRecorded) -> list[Reading]:
    """A decision implies a referral, whether or not we heard of one."""
    decided = Reading(Trigger.NRM_DECIDED)
    draft.mark(Mark.NRM_REFERRED, draft.happened.time)
    if event.positive:
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time)
        return [decided, Reading(Trigger.NRM_REASONABLE_GROUNDS)] if event.stage == "reasonable-grounds" else [decided]
    if event.stage == "conclusive-grounds":
        draft.mark(Mark.TREATED_AS_VICTIM, draft.happened.time, on=False)
    return [decided, *start_watch(draft, Trigger.NRM_NEGATIVE)]


def _read_granted(draft: Draft, event: care_events.LeaveGranted) -> list[Reading]:
    if event.expires_on is not None:
        return _read_expiry(draft, Trigger.LEAVE_GRANTED, event.expires_on)
    if not draft.happened.exercise:
        draft.leave_expires_on = None
    return [Reading(Trigger.LEAVE_GRANTED), Reading(Trigger.LEAVE_WITHOUT_END)]


def _read_expiry(draft: Draft, trigger: Trigger, on: date | None) -> list[Reading]:
    """A known day sets off nothing: it is counted down to already, or an application extends the leave (3C)."""
    if not draft.happened.exercise and on is not None:
        if on == draft.leave_expires_on:
            return [Reading(verdict=Verdict.ALREADY_SO)]
        draft.leave_expires_on = on
    return [Reading(trigger)]


def _read_application(draft: Draft, event: care_events.LeaveApplicationRecorded) -> list[Reading]:
    """On the last day of leave it is in time."""
    made_on = event.made_on or day_in_england(draft.happened.time)
    late = draft.leave_expires_on is not None and made_on > draft.leave_expires_on
    fit = event.valid and not late
    return [Reading(Trigger.LEAVE_APPLICATION_RECORDED if fit else Trigger.LEAVE_APPLICATION_UNFIT)]


def _read_application_ended(draft: Draft, event: care_events.LeaveApplicationEnded) -> list[Reading]:
    """A grant changes nothing here: `leave.granted` brings the new date."""
    if event.result == "granted":
        return [Reading(verdict=Verdict.CHANGED)]
    refused = start_watch(draft, Trigger.EXTENSION_REFUSED) if event.result == "refused" else []
    return [Reading(Trigger.LEAVE_APPLICATION_ENDED), *refused]


def _read_reviewed(draft: Draft, event: events.WatchReviewed) -> list[Reading]:
    if draft.watched_since is None or draft.happened.time < draft.watched_since:
        return [Reading(verdict=Verdict.OUTGROWN)]
    if not draft.happened.exercise:
        draft.watched_since = draft.happened.time if event.goes_on else None
    return [Reading(Trigger.WATCH_OPENED if event.goes_on else Trigger.WATCH_ENDED)]


READERS: dict[type[Message], Reader] = {
    events.AsylumDecisionRecorded: _read_asylum,
    events.AppealDecided: _read_appeal,
    events.NrmDecisionRecorded: _read_nrm,
    care_events.LeaveGranted: _read_granted,
    care_events.LeaveApplicationRecorded: _read_application,
    care_events.LeaveApplicationEnded: _read_application_ended,
    events.WatchReviewed: _read_reviewed,
    care_events.LeaveExpiring: lambda draft, event: _read_expiry(draft, Trigger.LEAVE_EXPIRING, event.expires_on),
    events.ChildRecordChanged: record_changed,
}
