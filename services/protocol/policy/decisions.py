"""What the Home Office, a tribunal or the national referral mechanism has decided, and what it means for the child's risk."""

from collections.abc import Callable
from typing import Any

from services.protocol.policy.draft import Draft
from services.protocol.policy.replies import Reading
from services.protocol.policy.vocabulary import Trigger
from services.safeguarding import events
from services.safeguarding.decisions import Verdict
from services.safeguarding.message import Message

NEGATIVE = {
    events.AsylumOutcome.REFUSED: Trigger.DECISION_REFUSED,
    events.AsylumOutcome.UASC_LEAVE: Trigger.DECISION_UASC_LEAVE,
}


def _asylum(draft: Draft, event: events.AsylumDecisionRecorded) -> list[Reading]:
    return _watched(draft, NEGATIVE.get(event.outcome))


def _appeal(draft: Draft, event: events.AppealDecided) -> list[Reading]:
    return _watched(draft, Trigger.APPEAL_DISMISSED if event.result == "dismissed" else None)


def _nrm(draft: Draft, event: events.NrmDecisionRecorded) -> list[Reading]:
    return _watched(draft, None if event.positive else Trigger.NRM_NEGATIVE)


def _granted(draft: Draft, event: events.LeaveGranted) -> list[Reading]:
    if not draft.happened.exercise:
        draft.leave_expires_on = event.expires_on
    return [Reading(Trigger.LEAVE_GRANTED, None)]


def _application_ended(draft: Draft, event: events.LeaveApplicationEnded) -> list[Reading]:
    """Granted: `leave.granted` brings the new date."""
    if event.result == "granted":
        return [Reading(None, None, Verdict.CHANGED)]
    refused = _watched(draft, Trigger.EXTENSION_REFUSED) if event.result == "refused" else []
    return [Reading(Trigger.LEAVE_APPLICATION_ENDED, None), *refused]


def _reviewed(draft: Draft, event: events.WatchReviewed) -> list[Reading]:
    if draft.watched_since is None or draft.happened.time < draft.watched_since:
        return [Reading(None, None, Verdict.OUTGROWN)]
    draft.watched_since = draft.happened.time if event.goes_on else None
    return [Reading(Trigger.WATCH_OPENED if event.goes_on else Trigger.WATCH_ENDED, None)]


def _watched(draft: Draft, trigger: Trigger | None) -> list[Reading]:
    """A later negative decision starts the watch again. One that arrives late does not shorten it."""
    if trigger is None:
        return [Reading(None, None, Verdict.CHANGED)]
    if trigger not in draft.protocols.current.watch_on:
        return [Reading(trigger, None)]
    if not draft.happened.exercise:
        draft.watched_since = max(filter(None, (draft.watched_since, draft.happened.time)))
    return [Reading(trigger, None), Reading(Trigger.WATCH_OPENED, None)]


READERS: dict[type[Message], Callable[[Draft, Any], list[Reading]]] = {
    events.AsylumDecisionRecorded: _asylum,
    events.AppealDecided: _appeal,
    events.NrmDecisionRecorded: _nrm,
    events.LeaveGranted: _granted,
    events.LeaveApplicationRecorded: lambda _draft, _event: [Reading(Trigger.LEAVE_APPLICATION_RECORDED, None)],
    events.LeaveApplicationEnded: _application_ended,
    events.WatchReviewed: _reviewed,
    events.ChildRecordChanged: lambda _draft, _event: [Reading(Trigger.CHILD_RECORD_CHANGED, None)],
}
